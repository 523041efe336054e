-- Places a backend on the least loaded drone that fits, and reserves its resources, in one step. A key must be free; the
-- placement is then also the key's fence.
if redis.call('EXISTS', BACKEND .. id) == 1 then return { 'exists' } end
if key then
  local holder, at, state = holder_of(key)
  if holder and is_ending(holder, at, state) then return { 'ending', holder } end
  if holder then
    -- Its caller is about to use it, so an idle shutdown that is being settled comes too late.
    local v = redis.call('HMGET', BACKEND .. holder, 'edge', 'route')
    if v[1] == 'suspended' then resume(holder, v[2]) end
    return { 'held', holder }
  end
end
-- The key's holder, or this very backend, may run on a drone that has not sent its inventory to this store yet.
if key or repeated then
  local left = window_left()
  if left > 0 then return { 'window', whole(left) } end
end
local now = cluster_now()
local stale, full, considered = 0, 0, 0

local function fits(drone)
  local at = redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone)
  if not at or now - tonumber(at) > stale_ms then
    stale = stale + 1
    return false
  end
  local v = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends', 'refused')
  -- It refused a backend since its last renewal.
  if v[7] == at then
    stale = stale + 1
    return false
  end
  local function left(i) return tonumber(v[i] or '0') - tonumber(v[i + 3] or '0') end
  if left(1) >= cpu_millis and left(2) >= memory_bytes and left(3) >= 1 then return true end
  full = full + 1
  return false
end

-- Bounded, because a script blocks Redis: the drones behind the 1,024 least loaded ones have hardly more room than these.
local PAGE, MOST = 32, 1024
local function choose()
  for from = 0, MOST - PAGE, PAGE do
    local candidates = redis.call('ZRANGE', LOAD, from, from + PAGE - 1)
    for _, drone in ipairs(candidates) do
      considered = considered + 1
      if fits(drone) then return drone end
    end
    if #candidates < PAGE then return nil end
  end
end

local drone = choose()
if not drone then return { 'none', considered, stale, full } end
local placement = next_tick()
local candidates = table.concat({ redis.call('ZCARD', LOAD), considered, stale, full, redis.call('ZSCORE', LOAD, drone) }, ' ')
redis.call('HSET', BACKEND .. id, 'state', SCHEDULED, 'revision', 0, 'drone', drone, 'placement', whole(placement),
  'held', held(cpu_millis, memory_bytes, key), 'facts', facts .. bytes_field(FIELD_FACTS_CANDIDATES, candidates), 'edge', 'pending')
keep_access(id, access)
if key then redis.call('SET', KEY .. key, id) end
redis.call('ZADD', BACKENDS, whole(placement), id)
redis.call('SADD', DRONE .. drone .. LIVING, id)
reserve(drone, cpu_millis, memory_bytes, 1)
redis.call('ZADD', DUE, whole(now + reservation_ms), DUE_RESERVE .. id)
put_route(id, route .. bytes_field(FIELD_ROUTE_DRONE, drone))
local registration = redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone .. REGISTRATION)
return { 'placed', drone, registration, whole(placement), redis.call('HGET', NODES .. 'drone', drone) }
