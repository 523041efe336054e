-- ARGV: nodes key, kind/id, id, node bytes, registration, then for drones cpu, memory, backends, ms until its
-- lease is over, ms until it is silent, sequence (empty: none is told).
-- A drone gets work only when it is admitted. An older registration never replaces a newer one.
-- Returns 1 when it stands, 0 where a newer one does, -1 where it is older than the store epoch: it needs another tick;
-- and as a text the sequence of a registration that was sent later, or of this very one, and came before: nothing is written.
local nodes, member, id, node, registration = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local present = redis.call('HGET', RENEWALS, member .. '/registration')
if present and tonumber(present) > tonumber(registration) then return 0 end
if tonumber(registration) <= tonumber(redis.call('HGET', EPOCH, 'epoch')) then return -1 end
-- What was sent before tells of what its drone had before: what it lacks may have been given to that drone since.
if ARGV[11] and ARGV[11] ~= '' then
  local before = redis.call('HGET', DRONE .. id, 'sequence')
  if before and tonumber(before) >= tonumber(ARGV[11]) then return before end
  redis.call('HSET', DRONE .. id, 'sequence', ARGV[11])
end
-- Field 14: what it replaces, so that an agent that knows the end of the process before knows that there was none between.
if present and not ARGV[6] then node = node .. string.char(112) .. varint(tonumber(present)) end
redis.call('HSET', nodes, id, node)
redis.call('HSET', RENEWALS, member .. '/registration', registration, member, whole(cluster_now()))
if ARGV[6] then
  redis.call('HSET', DRONE .. id, 'cpu', ARGV[6], 'memory', ARGV[7], 'backends', ARGV[8])
  -- Also for one that is never heard of again, nor its scheduler.
  redis.call('ZADD', DUE, whole(cluster_now() + tonumber(ARGV[9])), 'lease/' .. id,
    whole(cluster_now() + tonumber(ARGV[10])), 'silent/' .. id)
end
-- A drone has arrived when it is admitted: the keys of its backends come with its inventory.
if not ARGV[6] then arrived(member) end
return 1
