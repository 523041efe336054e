-- ARGV: kind/id, id, registration, ms until a drone's lease is over, ms until it is silent.
-- Returns {granted, stop orders as id, order, id, order, …}.
if not stands(ARGV[1], ARGV[3]) then
  proves_loss(tonumber(ARGV[3]), tonumber(ARGV[4]))
  return { 0, {} }
end
redis.call('HSET', RENEWALS, ARGV[1], whole(cluster_now()))
if ARGV[1] == 'drone/' .. ARGV[2] then
  redis.call('ZADD', DUE, whole(cluster_now() + tonumber(ARGV[4])), 'lease/' .. ARGV[2],
    whole(cluster_now() + tonumber(ARGV[5])), 'silent/' .. ARGV[2])
  -- It is not to be given up any more (lapse.lua).
  redis.call('ZREM', DUE, 'drone/' .. ARGV[2])
  clear_silence(ARGV[2])
end
return { 1, redis.call('HGETALL', DRONE .. ARGV[2] .. ':stops') }
