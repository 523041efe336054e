-- ARGV: nodes key, kind/id, id, node bytes, registration, then for drones cpu, memory, backends.
-- A drone gets work only when it is admitted. An older registration never replaces a newer one. Returns 1 when it stands.
local nodes, member, id, node, registration = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local present = redis.call('HGET', RENEWALS, member .. '/registration')
if present and tonumber(present) > tonumber(registration) then return 0 end
redis.call('HSET', nodes, id, node)
redis.call('HSET', RENEWALS, member .. '/registration', registration, member, whole(cluster_now()))
if ARGV[6] then
  redis.call('HSET', DRONE .. id, 'cpu', ARGV[6], 'memory', ARGV[7], 'backends', ARGV[8])
end
return 1
