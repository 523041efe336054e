-- Handles a drone's lease that was due. With 'look' the lease stays due while the backends that end with it are ended, so
-- that a scheduler that dies meanwhile leaves the rest to another; 'done' completes it. Returns 1 if the lease is lost.
local at = renewed_at(drone)
if at and cluster_now() - at < lease_ms then
  redis.call('ZADD', DUE, whole(at + lease_ms), DUE_LEASE .. drone)
  return 0
end
-- A drone that was forgotten meanwhile is not to be forgotten again.
if at then redis.call('ZADD', DUE, whole(at + forgotten_ms), DUE_DRONE .. drone) end
if part == 'done' then redis.call('ZREM', DUE, DUE_LEASE .. drone) end
return 1
