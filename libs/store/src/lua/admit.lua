-- From now on a drone that has registered, and whose inventory is in the tables, is given work, and its agent's
-- row among the routes tells proxies where to ask it. ARGV: id, registration, that row without epoch (empty: it cannot be asked).
if not stands('drone/' .. ARGV[1], ARGV[2]) then return 0 end
arrived('drone/' .. ARGV[1])
set_load(ARGV[1])
put_agent(ARGV[1], ARGV[3])
return 1
