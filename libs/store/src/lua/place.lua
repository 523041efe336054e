-- Places a backend on the least loaded drone that fits and has it ready in time, and reserves its resources, in one step. A
-- key must be free; the placement is then also the key's fence.
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
local stale, full, later, considered = 0, 0, 0, 0
-- The drones that would have room if they were empty, and the most that any has of each resource.
local enough, most_cpu, most_memory = 0, 0, 0

-- Whether a drone can take the backend: 'stale', 'full' or 'fits'. The last comes with the expected wait, whether a place is
-- free, and the wait for the record: empty if the drone has measured no start.
local function look(drone)
  local at = redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone)
  if not at or now - tonumber(at) > stale_ms then return 'stale' end
  local v = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends',
    'refused', 'places', 'pending', 'start_ms', 'unreported', 'room')
  -- It refused a backend since its last renewal.
  if v[7] == at then return 'stale' end
  local cpu, memory = tonumber(v[1] or '0'), tonumber(v[2] or '0')
  most_cpu = math.max(most_cpu, cpu)
  most_memory = math.max(most_memory, memory)
  if cpu >= cpu_millis and memory >= memory_bytes then enough = enough + 1 end
  local function left(i) return tonumber(v[i] or '0') - tonumber(v[i + 3] or '0') end
  if left(1) < cpu_millis or left(2) < memory_bytes or left(3) < 1 then return 'full' end
  -- Its queue has no room: it would refuse the backend.
  if v[12] and tonumber(v[12]) <= tonumber(v[11] or '0') then return 'full' end
  local wait, is_free = expected_wait(v[8], v[9], v[10], v[11])
  local told = ''
  if tonumber(v[10] or '0') > 0 then told = whole(wait) end
  return 'fits', wait, is_free, told
end

-- The drone that would have the backend ready first, when, and that for the record; empty if none of the first 32 fits.
local function find_soonest()
  local PAGE = 8
  for from = 0, 24, PAGE do
    local candidates = redis.call('ZRANGE', SOONEST, from, from + PAGE - 1)
    for _, drone in ipairs(candidates) do
      local verdict, wait, _, told = look(drone)
      if verdict == 'fits' then return { drone, wait, told } end
    end
    if #candidates < PAGE then return {} end
  end
  return {}
end

-- Whether a wait is so much longer than the shortest one that the load does not decide. With a free place the two differ only
-- by how long earlier starts took, which may not be true of the next one.
local function is_later(wait, is_free, shortest)
  if is_free then return wait > 2 * shortest + 1000 end
  return wait > shortest + math.max(250, shortest / 20)
end

-- The soonest drone, which ends a search by load.
local function first_of(soonest)
  if not soonest then soonest = find_soonest() end
  return soonest[1], soonest[3]
end

-- Bounded, because a script blocks Redis: the drones behind the 1,024 least loaded ones have hardly more room than these. After
-- eight that are later, the soonest is near enough to the least loaded of those that are not.
local PAGE, MOST, MOST_LATER = 32, 1024, 8
local function choose()
  local soonest
  for from = 0, MOST - PAGE, PAGE do
    local candidates = redis.call('ZRANGE', LOAD, from, from + PAGE - 1)
    for _, drone in ipairs(candidates) do
      considered = considered + 1
      local verdict, wait, is_free, told = look(drone)
      if verdict == 'stale' then
        stale = stale + 1
      elseif verdict == 'full' then
        full = full + 1
      else
        -- So short a wait is not later than any: most placements look at one drone.
        if not is_later(wait, is_free, 0) then return drone, told end
        if not soonest then soonest = find_soonest() end
        if not soonest[1] or not is_later(wait, is_free, soonest[2]) then return drone, told end
        later = later + 1
        if later == MOST_LATER then return first_of(soonest) end
      end
    end
    if #candidates < PAGE then return first_of(soonest) end
  end
  return first_of(soonest)
end

local drone, told = choose()
if not drone then return { 'none', considered, stale, full, enough, whole(most_cpu), whole(most_memory) } end
local placement = next_tick()
local candidates = table.concat({ redis.call('ZCARD', LOAD), considered, stale, full, redis.call('ZSCORE', LOAD, drone), later, told }, ' ')
redis.call('HSET', BACKEND .. id, 'state', SCHEDULED, 'revision', 0, 'drone', drone, 'placement', whole(placement),
  'held', held(cpu_millis, memory_bytes, key), 'facts', facts .. bytes_field(FIELD_FACTS_CANDIDATES, candidates), 'edge', 'pending')
keep_terms(id, access, pages)
if key then redis.call('SET', KEY .. key, id) end
redis.call('ZADD', BACKENDS, whole(placement), id)
redis.call('SADD', DRONE .. drone .. LIVING, id)
redis.call('HINCRBY', DRONE .. drone, 'unreported', 1)
reserve(drone, cpu_millis, memory_bytes, 1)
redis.call('ZADD', DUE, whole(now + reservation_ms), DUE_RESERVE .. id)
put_route(id, route .. bytes_field(FIELD_ROUTE_DRONE, drone))
local registration = redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone .. REGISTRATION)
return { 'placed', drone, registration, whole(placement), redis.call('HGET', NODES .. 'drone', drone) }
