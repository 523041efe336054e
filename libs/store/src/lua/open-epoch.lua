-- Begins a new store epoch if the store is not the one that the caller knows, or adopts the epoch that another writer began.
-- While the epoch's window is open no free key is acquired and no route suspended. The window closes when every known node
-- has registered again; if something may be missing, it closes only at its end.
local stored = redis.call('HMGET', EPOCH, 'epoch', 'run')
if stored[1] and stored[2] == run_id() and tonumber(stored[1]) >= callers_epoch then
  proves_loss(math.max(seen, callers_epoch), window_ms)
  return { stored[1], 0, whole(window_left()) }
end

local now = cluster_now()
local from = tonumber(redis.call('GET', TICK) or '0')
local known = math.max(callers_epoch, seen)
local lost = from < known or not stored[1]
if callers_epoch == 0 and not stored[1] and empty_store == 'new' then lost = false end
-- Whatever was missing in the window of the epoch before may still be missing.
if redis.call('HGET', EPOCH, 'full') == '1' and window_left() > 0 then lost = true end
-- Two stores that know of the same tick must not draw the same epoch: a replica would follow one log, and take it for the other.
-- The process makes the difference where Redis's time does not.
local apart = tonumber(string.sub(run_id(), 1, 5), 16)
redis.call('SET', TICK, whole(math.max(from, known) + apart))
local epoch = whole(next_tick())
redis.call('DEL', EPOCH)

-- Every lease starts again in full: the time that passed while no scheduler swept does not count.
redis.call('HSET', CLOCK, 'now', whole(now), 'last', whole(redis_now()))
for _, field in ipairs(redis.call('HKEYS', RENEWALS)) do
  if string.sub(field, -#REGISTRATION) ~= REGISTRATION then redis.call('HSET', RENEWALS, field, whole(now)) end
end
local awaited = 0
local function await(member)
  awaited = awaited + 1
  redis.call('HSET', EPOCH, AWAITED .. member, 1)
end
for _, id in ipairs(redis.call('HKEYS', NODES .. 'drone')) do
  await(MEMBER_DRONE .. id)
  redis.call('ZREM', DUE, DUE_DRONE .. id)
  redis.call('ZADD', DUE, whole(now + window_ms), DUE_LEASE .. id)
  redis.call('ZADD', DUE, whole(now), DUE_SILENT .. id)
end
for _, id in ipairs(redis.call('HKEYS', NODES .. 'proxy')) do await(MEMBER_PROXY .. id) end

-- Replicas load the table again, because they follow the log of another store.
redis.call('DEL', ROUTE_LOG)
redis.call('HSET', ROUTE_HEAD, 'epoch', epoch, 'n', 0)

local open = lost or awaited > 0
redis.call('HSET', EPOCH, 'epoch', epoch, 'run', run_id(), 'from', whole(from), 'at', whole(now),
  'until', whole(open and now + window_ms or 0), 'awaited', awaited, 'full', lost and 1 or 0)
return { epoch, 1, whole(window_left()) }
