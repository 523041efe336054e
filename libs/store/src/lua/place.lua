-- Places a backend on the least loaded drone that fits and reserves it, in one step. With a key only when nobody
-- living holds it; the placement is then also the fence.
-- ARGV: id, cpu, memory, facts without candidates (field 4), route without its drone (field 2), ms after which a
-- drone is stale, ms of reservation, hash of the key (empty for none), '1' for an id that may have been placed before,
-- access. Returns {'exists'} |
-- {'held', holder} | {'ending', holder} | {'window', ms left} (of a new store
-- epoch: a holder may not have been told of yet) | {'none', known, stale, full} |
-- {'placed', drone, registration, placement, node}.
local id, cpu, memory = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('EXISTS', BACKEND .. id) == 1 then return { 'exists' } end
local key = ARGV[8]
if key ~= '' then
  local holder, at, state = holder_of(key)
  if holder and is_ending(holder, at, state) then return { 'ending', holder } end
  if holder then
    -- Whoever asks for it is about to use it: an end for idleness that is being settled comes too late.
    local v = redis.call('HMGET', BACKEND .. holder, 'edge', 'route')
    if v[1] == 'suspended' then resume(holder, v[2]) end
    return { 'held', holder }
  end
end
-- The key's holder, or this very backend, may run on a drone that has not told of it yet.
if key ~= '' or ARGV[9] == '1' then
  local left = window_left()
  if left > 0 then return { 'window', whole(left) } end
end
local now = cluster_now()
local stale, full, known = 0, 0, 0

local function fits(drone)
  local at = redis.call('HGET', RENEWALS, 'drone/' .. drone)
  if not at or now - tonumber(at) > tonumber(ARGV[6]) then
    stale = stale + 1
    return false
  end
  local v = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends', 'refused')
  -- It has not renewed since it did not take a backend.
  if v[7] == at then
    stale = stale + 1
    return false
  end
  local function left(i) return tonumber(v[i] or '0') - tonumber(v[i + 3] or '0') end
  if left(1) >= cpu and left(2) >= memory and left(3) >= 1 then return true end
  full = full + 1
  return false
end

local function choose()
  for from = 0, 992, 32 do
    local candidates = redis.call('ZRANGE', LOAD, from, from + 31)
    for _, drone in ipairs(candidates) do
      known = known + 1
      if fits(drone) then return drone end
    end
    if #candidates < 32 then return nil end
  end
end

local drone = choose()
if not drone then return { 'none', known, stale, full } end
local placement = next_tick()
local candidates = table.concat({ redis.call('ZCARD', LOAD), known, stale, full, redis.call('ZSCORE', LOAD, drone) }, ' ')
redis.call('HSET', BACKEND .. id, 'state', 10, 'revision', 0, 'drone', drone, 'placement', whole(placement),
  'held', held(cpu, memory, key), 'facts', ARGV[4] .. string.char(34) .. varint(#candidates) .. candidates, 'edge', 'pending')
keep_access(id, ARGV[10])
if key ~= '' then redis.call('SET', KEY .. key, id) end
redis.call('ZADD', BACKENDS, whole(placement), id)
redis.call('SADD', DRONE .. drone .. ':backends', id)
reserve(drone, cpu, memory, 1)
redis.call('ZADD', DUE, whole(now + tonumber(ARGV[7])), 'reserve/' .. id)
put_route(id, ARGV[5] .. string.char(18) .. varint(#drone) .. drone)
local registration = redis.call('HGET', RENEWALS, 'drone/' .. drone .. '/registration')
return { 'placed', drone, registration, whole(placement), redis.call('HGET', NODES_DRONE, drone) }
