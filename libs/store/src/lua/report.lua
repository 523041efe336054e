-- Takes an agent's report on one of its backends.
if not is_current(MEMBER_DRONE .. drone, registration) then return 'stale' end
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'revision', 'edge')
if not v[1] then return 'unknown' end
if v[1] ~= drone then return 'elsewhere' end
if tonumber(v[2]) == TERMINATED then
  -- The drone reports the end too, or that it never ran the backend: no stop order is needed any more.
  if state == TERMINATED then redis.call('HDEL', DRONE .. drone .. STOPS, id) end
  return 'ended'
end
-- An end is final, so it is never late: the drone's disk lost the revisions that it reported before. It reports the end again
-- above the record's revision.
if state == TERMINATED and revision <= tonumber(v[3]) then return { 'behind', v[3] } end
if state < tonumber(v[2]) or revision <= tonumber(v[3]) then return 'old' end
-- A suspension is settled by its own parties (settle.lua), and a settled end is final; `route` is what a resumed route becomes.
if edge == 'open' and (v[4] == 'suspended' or v[4] == 'ended') then edge = v[4] end
redis.call('HSET', BACKEND .. id, 'state', state, 'revision', whole(revision), 'status', status, 'edge', edge, 'route', route)
redis.call('ZREM', DUE, DUE_RESERVE .. id)
if tonumber(v[3]) == 0 then reported_first(drone) end
-- Only changes of the edge's answer are logged, and the end, which may bring the reason that a 410 shows. So is the beginning
-- of the start, from which a held request's time counts.
local begins = state >= STARTING and tonumber(v[2]) < STARTING
if edge ~= v[4] or begins or state == TERMINATED then put_route(id, route) end
if state == TERMINATED then
  release(id, drone, retention_ms)
  redis.call('HDEL', DRONE .. drone .. STOPS, id)
end
return 'taken'
