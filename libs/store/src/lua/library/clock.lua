-- Redis's own time in ms. It may jump, so it only advances the cluster clock.
local function redis_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The cluster clock in ms. Only a sweep advances it.
local function cluster_now()
  return tonumber(redis.call('HGET', CLOCK, 'now') or '0')
end

-- The next tick: max(last + 1, Redis's time in µs). Time makes it exceed the ticks of a store that lost everything.
local function next_tick()
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local tick = math.max(tonumber(redis.call('GET', TICK) or '0') + 1, now)
  redis.call('SET', TICK, whole(tick))
  return tick
end

-- Raises the last tick beyond one that an earlier store gave, so that no later tick is lower. A store that was lost since may
-- have counted on from the same tick, and two registrations must not be the same. A gap that differs from epoch to epoch
-- therefore comes first. A tick more than a year ahead of Redis's time is ignored: ticks must stay whole numbers.
local function outgrow(given)
  local year = 366 * 86400 * 1000000
  if given > tonumber(redis.call('GET', TICK) or '0') and given < tonumber(redis.call('TIME')[1]) * 1000000 + year then
    local gap = 1000000 + tonumber(redis.call('HGET', EPOCH, 'epoch') or '0') % 1000000
    redis.call('SET', TICK, whole(given + gap))
  end
end
