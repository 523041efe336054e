-- Takes a drone that has been silent for ARGV[2] ms out of the cluster. ARGV: drone, ms.
-- Returns 1 when it is out: it gets no work, and its registration is no longer good.
local at = tonumber(redis.call('HGET', RENEWALS, 'drone/' .. ARGV[1]) or '0')
if cluster_now() - at < tonumber(ARGV[2]) then
  redis.call('ZREM', DUE, 'drone/' .. ARGV[1])
  return 0
end
redis.call('HDEL', NODES_DRONE, ARGV[1])
redis.call('HDEL', RENEWALS, 'drone/' .. ARGV[1], 'drone/' .. ARGV[1] .. '/registration')
redis.call('ZREM', LOAD, ARGV[1])
arrived('drone/' .. ARGV[1])
redis.call('ZREM', DUE, 'lease/' .. ARGV[1], 'drone/' .. ARGV[1], 'silent/' .. ARGV[1])
if redis.call('SCARD', DRONE .. ARGV[1] .. ':backends') == 0 then redis.call('DEL', DRONE .. ARGV[1]) end
clear_silence(ARGV[1])
put_agent(ARGV[1], '')
return 1
