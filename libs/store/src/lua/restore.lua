-- One line of an inventory whose record is not there: written as its drone tells it, reservation included.
-- ARGV: id, drone, state, revision, status, edge, route, cpu, memory, summary, created, placement, retention.
-- Returns 'known' when there is a record.
local id, drone, state = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', BACKEND .. id) == 1 then return 'known' end
redis.call('HSET', BACKEND .. id, 'state', state, 'revision', ARGV[4], 'drone', drone, 'placement', ARGV[12],
  'cpu', ARGV[8], 'memory', ARGV[9], 'summary', ARGV[10], 'created', ARGV[11], 'status', ARGV[5], 'edge', ARGV[6], 'route', ARGV[7])
redis.call('ZADD', BACKENDS, ARGV[12], id)
put_route(id, ARGV[7])
if state == TERMINATED then
  redis.call('ZADD', DUE, whole(cluster_now() + tonumber(ARGV[13])), 'forget/' .. id)
else
  redis.call('SADD', DRONE .. drone .. ':backends', id)
  reserve(drone, tonumber(ARGV[8]), tonumber(ARGV[9]), 1)
end
return 'restored'
