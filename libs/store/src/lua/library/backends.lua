-- Keeps a record's access and pages, which its routes need, only if they differ from the defaults: most backends have none. The
-- pages are a serialized message.
local function keep_terms(id, access, pages)
  if access == ACCESS_TOKEN then redis.call('HSET', BACKEND .. id, 'access', access) end
  if pages then redis.call('HSET', BACKEND .. id, 'pages', pages) end
end

-- The resources that a record's end gives back: processor, memory, and the hash of its key (empty for none).
local function held(cpu, memory, key)
  return whole(cpu) .. ' ' .. whole(memory) .. ' ' .. (key or '')
end

-- Processor, memory and key of a record; zeros and an empty key for an unknown one.
local function held_by(id)
  local text = redis.call('HGET', BACKEND .. id, 'held') or '0 0 '
  local first = string.find(text, ' ', 1, true)
  local second = string.find(text, ' ', first + 1, true)
  return tonumber(string.sub(text, 1, first - 1)), tonumber(string.sub(text, first + 1, second - 1)), string.sub(text, second + 1)
end

-- Whether a backend is shutting down, or a stop order for it exists.
local function is_ending(id, drone, state)
  return state >= TERMINATING or redis.call('HEXISTS', DRONE .. drone .. STOPS, id) == 1
end

-- The living holder of a key, and its drone, state and placement; nil for a free key.
local function holder_of(key)
  local id = redis.call('GET', KEY .. key)
  if not id then return nil end
  local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'placement')
  if not v[1] or tonumber(v[2]) == TERMINATED then return nil end
  return id, v[1], tonumber(v[2]), tonumber(v[3])
end

-- Frees the key of an ended backend, unless another backend holds it by now.
local function free_key(id)
  local _, _, key = held_by(id)
  if key ~= '' and redis.call('GET', KEY .. key) == id then redis.call('DEL', KEY .. key) end
end

-- Ends a record's life: frees its key and its reservation, and lets it be forgotten after `retention` ms.
local function release(id, drone, retention)
  free_key(id)
  if redis.call('SREM', DRONE .. drone .. LIVING, id) == 1 then
    local cpu, memory = held_by(id)
    reserve(drone, cpu, memory, -1)
  end
  redis.call('ZREM', DUE, DUE_RESERVE .. id)
  redis.call('ZADD', DUE, whole(cluster_now() + retention), DUE_FORGET .. id)
end
