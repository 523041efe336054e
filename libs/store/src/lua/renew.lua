-- Renews a node's registration, and answers with the stop orders for a drone's backends.
local member = kind .. '/' .. id
if not is_current(member, registration) then
  proves_loss(tonumber(registration), lease_ms)
  return { 0, {} }
end
local now = cluster_now()
redis.call('HSET', RENEWALS, member, whole(now))
if member == MEMBER_DRONE .. id then
  redis.call('ZADD', DUE, whole(now + lease_ms), DUE_LEASE .. id, whole(now + silent_ms), DUE_SILENT .. id)
  -- It is not to be forgotten any more (lapse.lua), and not silent any more (silence.lua).
  redis.call('ZREM', DUE, DUE_DRONE .. id)
  drop_row(ROW_DRONE .. id)
end
return { 1, redis.call('HGETALL', DRONE .. id .. STOPS) }
