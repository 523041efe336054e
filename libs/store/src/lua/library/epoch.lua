-- Identifies the Redis process, which changes with a restart or a failover. A pattern would double the 5 µs that this takes.
local function run_id()
  local info = redis.call('INFO', 'server')
  local _, at = string.find(info, 'run_id:', 1, true)
  return string.sub(info, at + 1, string.find(info, '\r', at, true) - 1)
end

-- How long the window of this store epoch stays open at most, in ms of cluster clock; 0 if it is closed.
local function window_left()
  return math.max(0, tonumber(redis.call('HGET', EPOCH, 'until') or '0') - cluster_now())
end

-- Notes that an awaited node has arrived or been forgotten. The last one closes the window, unless it must stay open to its
-- end ('full').
local function arrived(member)
  if redis.call('HDEL', EPOCH, AWAITED .. member) == 0 then return end
  local awaited = redis.call('HINCRBY', EPOCH, 'awaited', -1)
  if awaited == 0 and redis.call('HGET', EPOCH, 'full') ~= '1' then redis.call('HSET', EPOCH, 'until', 0) end
end

-- Keeps the window open to its end if this store never gave the registration: whatever was lost with it may include nodes
-- that are not awaited.
local function proves_loss(registration, window)
  local v = redis.call('HMGET', EPOCH, 'epoch', 'from', 'at', 'full')
  if not v[1] or v[4] == '1' or registration <= tonumber(v[2]) then return end
  if registration >= tonumber(v[1]) and registration <= tonumber(redis.call('GET', TICK) or '0') then return end
  redis.call('HSET', EPOCH, 'full', 1, 'until', whole(tonumber(v[3]) + window))
end

-- Whether this is the node's present registration, and of this store epoch: then its whole inventory is in the store.
local function is_current(member, registration)
  return redis.call('HGET', RENEWALS, member .. REGISTRATION) == registration
    and tonumber(registration) > tonumber(redis.call('HGET', EPOCH, 'epoch') or '0')
end
