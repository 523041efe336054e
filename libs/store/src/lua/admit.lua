-- From now on a drone that has registered, and whose inventory is in the tables, is given work. ARGV: id, registration.
if redis.call('HGET', RENEWALS, 'drone/' .. ARGV[1] .. '/registration') ~= ARGV[2] then return 0 end
set_load(ARGV[1])
return 1
