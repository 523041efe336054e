-- Registers a node. An older registration never replaces a newer one. A drone gets work only when it is admitted.
local member = kind .. '/' .. id
local is_drone = member == MEMBER_DRONE .. id
local present = redis.call('HGET', RENEWALS, member .. REGISTRATION)
if present and tonumber(present) > registration then return 'superseded' end
-- The tick is older than the store epoch: the caller needs another one.
if registration <= tonumber(redis.call('HGET', EPOCH, 'epoch')) then return 'outdated' end
-- A lost store may have given it, and its time may have been ahead. Every later registration would be superseded.
outgrow(registration)
-- A registration that was sent before the present one has an inventory that may lack what the drone was given since.
if is_drone and sequence then
  local before = redis.call('HGET', DRONE .. id, 'sequence')
  if before and tonumber(before) >= sequence then return { 'overtaken', before } end
  redis.call('HSET', DRONE .. id, 'sequence', whole(sequence))
end
-- An agent that knows when the replaced process died can tell that there was none in between.
if present and not is_drone then node = node .. number_field(FIELD_NODE_REPLACED, tonumber(present)) end
redis.call('HSET', NODES .. kind, id, node)
redis.call('HSET', RENEWALS, member .. REGISTRATION, whole(registration), member, whole(cluster_now()))
if is_drone then
  redis.call('HSET', DRONE .. id, 'cpu', whole(cpu_millis), 'memory', whole(memory_bytes), 'backends', whole(backends))
  -- Its queue is that of another process; the next renewal tells the new one.
  redis.call('HDEL', DRONE .. id, 'places', 'pending', 'room', 'start_ms')
  if redis.call('ZSCORE', LOAD, id) then set_load(id) end
  -- Due even if neither the drone nor this scheduler is seen again.
  redis.call('ZADD', DUE, whole(cluster_now() + lease_ms), DUE_LEASE .. id,
    whole(cluster_now() + silent_ms), DUE_SILENT .. id)
else
  -- A drone arrives when it is admitted, because its inventory holds the keys of its backends.
  arrived(member)
end
return 'registered'
