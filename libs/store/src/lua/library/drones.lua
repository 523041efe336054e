-- Cluster clock of a drone's last renewal; nil for an unknown drone.
local function renewed_at(drone)
  return tonumber(redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone) or '')
end

-- A start is expected to take this long on a drone that has measured none, in ms.
local USUAL_START = 1000

-- When one more backend on a drone is expected to be ready, in ms, and whether a place is free for its start. Placements that
-- the drone has not reported yet count like those in its queue. A drone that tells nothing has free places.
local function expected_wait(places, pending, start_ms, unreported)
  local start = tonumber(start_ms or '0')
  if start == 0 then start = USUAL_START end
  local most = tonumber(places or '0')
  local ahead = tonumber(pending or '0') + tonumber(unreported or '0') + 1 - most
  if most == 0 or ahead <= 0 then return start, true end
  return math.floor(start + ahead * start / most), false
end

-- Writes a drone's load, in thousandths of its scarcest resource, and when it would have one more backend ready. A full or a
-- silent drone has no such time.
local function set_load(drone)
  local values = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends',
    'places', 'pending', 'start_ms', 'unreported')
  local load = 0
  for i = 1, 3 do
    local capacity = tonumber(values[i] or '0')
    if capacity > 0 then load = math.max(load, tonumber(values[i + 3] or '0') / capacity) end
  end
  redis.call('ZADD', LOAD, whole(load * 1000), drone)
  if load >= 1 or redis.call('HEXISTS', ROUTES, ROW_DRONE .. drone) == 1 then
    redis.call('ZREM', SOONEST, drone)
  else
    local wait = expected_wait(values[7], values[8], values[9], values[10])
    redis.call('ZADD', SOONEST, whole(wait), drone)
  end
end

-- Reserves room on a drone, or frees it with a sign of -1. Only an admitted drone has a load.
local function reserve(drone, cpu, memory, sign)
  redis.call('HINCRBY', DRONE .. drone, 'reserved_cpu', whole(sign * cpu))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_memory', whole(sign * memory))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_backends', sign)
  if redis.call('ZSCORE', LOAD, drone) then set_load(drone) end
end

-- The drone has reported on a placement, or will not: the placement is no longer counted beside the drone's own numbers.
local function reported_first(drone)
  redis.call('HINCRBY', DRONE .. drone, 'unreported', -1)
  if redis.call('ZSCORE', LOAD, drone) then set_load(drone) end
end

-- Stores a stop order for a backend. The order is a serialized StopOrder without its id.
local function order_stop(drone, id, order)
  redis.call('HSET', DRONE .. drone .. STOPS, id, order .. bytes_field(FIELD_ORDER_ID, id))
end

-- Appends every node of a kind, each with the milliseconds of cluster clock since its last renewal.
local function add_ages(answer, kind)
  local now = cluster_now()
  local nodes = redis.call('HGETALL', NODES .. kind)
  for i = 1, #nodes, 2 do
    answer[#answer + 1] = nodes[i + 1]
    answer[#answer + 1] = whole(now - tonumber(redis.call('HGET', RENEWALS, kind .. '/' .. nodes[i]) or '0'))
  end
end
