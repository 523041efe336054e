-- Begins a new store epoch where the store is not the one that the caller knows, or tells of one that another has begun.
-- While its window is open no free key is acquired and no route suspended; it closes when every node that the store
-- knows has registered again, and where something may be missing only when its time has passed.
-- ARGV: the caller's epoch (0: it has never known one), the highest registration that it has seen, ms of a window,
-- 'new' | 'wait' (what a caller that never knew an epoch takes a store without one for). Returns {epoch, opened (1) or adopted (0), ms left}.
local callers, seen, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('HMGET', EPOCH, 'epoch', 'run')
if stored[1] and stored[2] == run_id() and tonumber(stored[1]) >= callers then
  proves_loss(math.max(seen, callers), window)
  return { stored[1], 0, whole(window_left()) }
end

local now = cluster_now()
local from = tonumber(redis.call('GET', TICK) or '0')
local known = math.max(callers, seen)
local lost = from < known or not stored[1]
if callers == 0 and not stored[1] and ARGV[4] == 'new' then lost = false end
-- What was missing in the window of the epoch before may still be.
if redis.call('HGET', EPOCH, 'full') == '1' and window_left() > 0 then lost = true end
if from < known then redis.call('SET', TICK, whole(known)) end
local epoch = whole(next_tick())
redis.call('DEL', EPOCH)

-- Leases start whole, and what passed while nobody swept does not count.
local time = redis.call('TIME')
redis.call('HSET', CLOCK, 'now', whole(now), 'last', whole(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)))
for _, member in ipairs(redis.call('HKEYS', RENEWALS)) do
  if not string.find(member, '/registration$') then redis.call('HSET', RENEWALS, member, whole(now)) end
end
local awaited = 0
local function await(kind, id)
  awaited = awaited + 1
  redis.call('HSET', EPOCH, 'await/' .. kind .. '/' .. id, 1)
end
for _, id in ipairs(redis.call('HKEYS', NODES_DRONE)) do
  await('drone', id)
  redis.call('ZREM', DUE, 'drone/' .. id)
  redis.call('ZADD', DUE, whole(now + window), 'lease/' .. id)
  redis.call('ZADD', DUE, whole(now), 'silent/' .. id)
end
for _, id in ipairs(redis.call('HKEYS', NODES_PROXY)) do await('proxy', id) end

-- Replicas load the table again: their log is another store's.
redis.call('DEL', ROUTE_LOG)
redis.call('HSET', ROUTE_HEAD, 'epoch', epoch, 'n', 0)

local open = lost or awaited > 0
redis.call('HSET', EPOCH, 'epoch', epoch, 'run', run_id(), 'from', whole(from), 'at', whole(now),
  'until', whole(open and now + window or 0), 'awaited', awaited, 'full', lost and 1 or 0)
return { epoch, 1, whole(window_left()) }
