-- Cluster clock of a drone's last renewal; nil for an unknown drone.
local function renewed_at(drone)
  return tonumber(redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone) or '')
end

-- Writes a drone's load, in thousandths of its scarcest resource.
local function set_load(drone)
  local values = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends')
  local load = 0
  for i = 1, 3 do
    local capacity = tonumber(values[i] or '0')
    if capacity > 0 then load = math.max(load, tonumber(values[i + 3] or '0') / capacity) end
  end
  redis.call('ZADD', LOAD, whole(load * 1000), drone)
end

-- Reserves room on a drone, or frees it with a sign of -1. Only an admitted drone has a load.
local function reserve(drone, cpu, memory, sign)
  redis.call('HINCRBY', DRONE .. drone, 'reserved_cpu', whole(sign * cpu))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_memory', whole(sign * memory))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_backends', sign)
  if redis.call('ZSCORE', LOAD, drone) then set_load(drone) end
end

-- Stores a stop order for a backend. The order is a serialized StopOrder without its id.
local function order_stop(drone, id, order)
  redis.call('HSET', DRONE .. drone .. STOPS, id, order .. bytes_field(FIELD_ORDER_ID, id))
end
