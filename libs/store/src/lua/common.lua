-- What every writing script shares. KEYS is the list of scriptKeys() in keys.ts, always whole and in that order.
local TICK, CLOCK, RENEWALS, LOAD, BACKENDS, DUE, ROUTES, ROUTE_LOG, ROUTE_HEAD, NODES_DRONE, NODES_PROXY, EPOCH, BACKEND, DRONE, KEY =
  unpack(KEYS)
local ROUTE_LOG_LENGTH = 20000
local TERMINATING, TERMINATED = 60, 70

-- Adding 0 turns -0, which Redis does not take for a number, into 0.
local function whole(number)
  return string.format('%.0f', number + 0)
end

-- The next tick: max(last + 1, Redis TIME in µs). It outgrows a Redis that lost everything.
local function next_tick()
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local tick = math.max(tonumber(redis.call('GET', TICK) or '0') + 1, now)
  redis.call('SET', TICK, whole(tick))
  return tick
end

-- No later tick is lower than one that was given before and that this store may have lost with others. More than a year
-- ahead of Redis's clock it is not believed: ticks must stay whole numbers.
local function outgrow(given)
  local year = 366 * 86400 * 1000000
  if given > tonumber(redis.call('GET', TICK) or '0') and given < tonumber(redis.call('TIME')[1]) * 1000000 + year then
    redis.call('SET', TICK, whole(given))
  end
end

-- Milliseconds of cluster clock; only a sweep advances it.
local function cluster_now()
  return tonumber(redis.call('HGET', CLOCK, 'now') or '0')
end

-- Names the process that holds the data: another one after a restart or a failover. 5 µs; a pattern would double them.
local function run_id()
  local info = redis.call('INFO', 'server')
  local _, at = string.find(info, 'run_id:', 1, true)
  return string.sub(info, at + 1, string.find(info, '\r', at, true) - 1)
end

-- Milliseconds of cluster clock for which the window of this store epoch stays open at most; 0: it is closed.
local function window_left()
  return math.max(0, tonumber(redis.call('HGET', EPOCH, 'until') or '0') - cluster_now())
end

-- A node that this epoch awaits is there, or will not come: the last one closes the window, unless its whole time must pass.
local function arrived(member)
  if redis.call('HDEL', EPOCH, 'await/' .. member) == 0 then return end
  local awaited = redis.call('HINCRBY', EPOCH, 'awaited', -1)
  if awaited == 0 and redis.call('HGET', EPOCH, 'full') ~= '1' then redis.call('HSET', EPOCH, 'until', 0) end
end

-- A registration that this store has never given was lost with others: nodes may be missing that nobody awaits.
local function proves_loss(registration, window)
  local v = redis.call('HMGET', EPOCH, 'epoch', 'from', 'at', 'full')
  if not v[1] or v[4] == '1' or registration <= tonumber(v[2]) then return end
  if registration >= tonumber(v[1]) and registration <= tonumber(redis.call('GET', TICK) or '0') then return end
  redis.call('HSET', EPOCH, 'full', 1, 'until', whole(tonumber(v[3]) + window))
end

-- Whether a node's registration is its present one, and of this store epoch: it has told all that it has.
local function stands(member, registration)
  return redis.call('HGET', RENEWALS, member .. '/registration') == registration
    and tonumber(registration) > tonumber(redis.call('HGET', EPOCH, 'epoch') or '0')
end

local function varint(number)
  local bytes = {}
  while number >= 128 do
    bytes[#bytes + 1] = string.char(128 + number % 128)
    number = math.floor(number / 128)
  end
  bytes[#bytes + 1] = string.char(number)
  return table.concat(bytes)
end

-- Writes a row of the route table and its log entry. `row` is a serialized RouteRow without its epoch (field 1), which is
-- a fresh tick and is returned. A serialized message may be extended by appending fields, of which the last counts.
-- An empty row deletes the row.
local function put_row(id, row)
  local epoch = next_tick()
  local head = tonumber(redis.call('HGET', ROUTE_HEAD, 'epoch') or '0')
  if head == 0 then
    head = epoch
    redis.call('HSET', ROUTE_HEAD, 'epoch', whole(head), 'n', 0)
    redis.call('DEL', ROUTE_LOG)
  end
  local n = redis.call('HINCRBY', ROUTE_HEAD, 'n', 1)
  if row == '' then
    redis.call('HDEL', ROUTES, id)
  else
    row = row .. string.char(8) .. varint(epoch)
    redis.call('HSET', ROUTES, id, row)
  end
  redis.call('XADD', ROUTE_LOG, 'MAXLEN', '~', ROUTE_LOG_LENGTH, whole(head) .. '-' .. n,
    'id', id, 'epoch', whole(epoch), 'route', row)
  return epoch
end

-- Writes the row of a backend (field 2 of RouteRow). `route` is a serialized BackendRoute, to which the record's access
-- (field 7) is added unless it is public. Returns the epoch.
local function put_route(id, route)
  local access = redis.call('HGET', BACKEND .. id, 'access')
  if access then route = route .. string.char(56) .. varint(tonumber(access)) end
  return put_row(id, string.char(18) .. varint(#route) .. route)
end

-- A drone is heard of again, or for good no more: its row among the routes goes (silence.lua).
local function clear_silence(drone)
  if redis.call('HEXISTS', ROUTES, 'drone/' .. drone) == 1 then put_row('drone/' .. drone, '') end
end

-- Where a drone's agent is asked, told among the routes; an empty row takes it away. The row's epoch (field 1) follows it.
local function put_agent(drone, row)
  local present = redis.call('HGET', ROUTES, 'agent/' .. drone) or ''
  local same = row == present or (row ~= '' and string.sub(present, 1, #row + 1) == row .. string.char(8))
  if not same then put_row('agent/' .. drone, row) end
end

-- A drone's load in thousandths: of what it can hold, the scarcest.
local function set_load(drone)
  local values = redis.call('HMGET', DRONE .. drone, 'cpu', 'memory', 'backends', 'reserved_cpu', 'reserved_memory', 'reserved_backends')
  local load = 0
  for i = 1, 3 do
    local capacity = tonumber(values[i] or '0')
    if capacity > 0 then load = math.max(load, tonumber(values[i + 3] or '0') / capacity) end
  end
  redis.call('ZADD', LOAD, whole(load * 1000), drone)
end

-- Who may come without a token is not written: 2 (TOKEN) is.
local function keep_access(id, access)
  if access == '2' then redis.call('HSET', BACKEND .. id, 'access', access) end
end

-- What a record holds until its end: processor, memory, and the hash of its key (empty for none).
local function held(cpu, memory, key)
  return whole(cpu) .. ' ' .. whole(memory) .. ' ' .. key
end

local function held_by(id)
  return string.match(redis.call('HGET', BACKEND .. id, 'held') or '0 0 ', '^(%S+) (%S+) (.*)$')
end

local function reserve(drone, cpu, memory, sign)
  redis.call('HINCRBY', DRONE .. drone, 'reserved_cpu', whole(sign * cpu))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_memory', whole(sign * memory))
  redis.call('HINCRBY', DRONE .. drone, 'reserved_backends', sign)
  if redis.call('ZSCORE', LOAD, drone) then set_load(drone) end
end

-- Writes a wanted end down. `order` is a serialized StopOrder without its id (field 1).
local function order_stop(drone, id, order)
  redis.call('HSET', DRONE .. drone .. ':stops', id, order .. string.char(10) .. varint(#id) .. id)
end

-- Whether a record is on its way to its end: it says so, or its end is wanted.
local function is_ending(id, drone, state)
  return state >= TERMINATING or redis.call('HEXISTS', DRONE .. drone .. ':stops', id) == 1
end

-- The living holder of a key, and its drone, state and placement; nil for a free key.
local function holder_of(key)
  local id = redis.call('GET', KEY .. key)
  if not id then return nil end
  local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'placement')
  if not v[1] or tonumber(v[2]) == TERMINATED then return nil end
  return id, v[1], tonumber(v[2]), tonumber(v[3])
end

-- A backend that is over gives its key back, unless the key has another holder by now.
local function free_key(id)
  local _, _, key = held_by(id)
  if key ~= '' and redis.call('GET', KEY .. key) == id then redis.call('DEL', KEY .. key) end
end

-- Resumes a suspended route (suspend.lua).
local function resume(id, route)
  redis.call('HSET', BACKEND .. id, 'edge', 'open')
  put_route(id, route)
end

-- A connection token is over: nothing is left of it.
local function drop_token(id, token)
  redis.call('ZREM', DUE, 'token/' .. token .. '/' .. id)
  redis.call('HDEL', BACKEND .. id .. ':tokens', token)
  if redis.call('HEXISTS', ROUTES, 'token/' .. token) == 1 then put_row('token/' .. token, '') end
end

-- The end of a record's life: its key and its reservation go back, and it is forgotten after `retention` ms.
local function release(id, drone, retention)
  free_key(id)
  if redis.call('SREM', DRONE .. drone .. ':backends', id) == 1 then
    local cpu, memory = held_by(id)
    reserve(drone, tonumber(cpu), tonumber(memory), -1)
  end
  redis.call('ZREM', DUE, 'reserve/' .. id)
  redis.call('ZADD', DUE, whole(cluster_now() + retention), 'forget/' .. id)
end
