-- Renews a node's registration, and answers with the stop orders for a drone's backends. A drone tells its starts with it.
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
  local was_silent = redis.call('HEXISTS', ROUTES, ROW_DRONE .. id) == 1
  if was_silent then put_row(ROW_DRONE .. id, '') end
  local is_news = false
  if places then
    local v = redis.call('HMGET', DRONE .. id, 'places', 'pending', 'room', 'start_ms')
    is_news = v[1] ~= places or v[2] ~= pending or v[3] ~= room or v[4] ~= start_ms
    if is_news then redis.call('HSET', DRONE .. id, 'places', places, 'pending', pending, 'room', room, 'start_ms', start_ms) end
  end
  if (is_news or was_silent) and redis.call('ZSCORE', LOAD, id) then set_load(id) end
end
return { 1, redis.call('HGETALL', DRONE .. id .. STOPS) }
