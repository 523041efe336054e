-- From now on a drone that has registered, and whose inventory is in the tables, is given work. ARGV: id, registration.
if not stands('drone/' .. ARGV[1], ARGV[2]) then return 0 end
arrived('drone/' .. ARGV[1])
set_load(ARGV[1])
return 1
