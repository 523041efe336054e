-- A drone's lease was due. ARGV: drone, ms of a lease, ms until it is given up, 'look' | 'done' (what ends with the lease
-- has ended; until then it stays due, so that who dies on the way leaves nothing undone).
-- Returns 1 when it has not renewed for so long; its next deadline is then the one at which it is given up.
local at = tonumber(redis.call('HGET', RENEWALS, 'drone/' .. ARGV[1]) or '-1')
if at >= 0 and cluster_now() - at < tonumber(ARGV[2]) then
  redis.call('ZADD', DUE, whole(at + tonumber(ARGV[2])), 'lease/' .. ARGV[1])
  return 0
end
-- One that was given up meanwhile is not to be given up again.
if at >= 0 then redis.call('ZADD', DUE, whole(at + tonumber(ARGV[3])), 'drone/' .. ARGV[1]) end
if ARGV[4] == 'done' then redis.call('ZREM', DUE, 'lease/' .. ARGV[1]) end
return 1
