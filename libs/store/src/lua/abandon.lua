-- Ends a record that its drone can no longer end. Either the drone never adopted it ('unreported': only before its first
-- report), or the drone's inventory no longer has it ('any'). A stop order remains, in case the drone starts it late.
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'revision')
redis.call('ZREM', DUE, DUE_RESERVE .. id)
if not v[1] or tonumber(v[2]) == TERMINATED then return 0 end
local drone = v[1]
if registration and not is_current(MEMBER_DRONE .. drone, registration) then return 0 end
local renewal = redis.call('HGET', RENEWALS, MEMBER_DRONE .. drone)
local renewed = tonumber(renewal or '-1000000000')
if silent_ms > 0 and cluster_now() - renewed < silent_ms then return 0 end
if when == 'unreported' and tonumber(v[3]) > 0 then return 0 end
redis.call('HSET', BACKEND .. id, 'state', TERMINATED, 'revision', whole(tonumber(v[3]) + 1), 'status', status, 'edge', 'ended')
if tonumber(v[3]) == 0 then reported_first(drone) end
put_route(id, route)
release(id, drone, retention_ms)
redis.call('HSET', DRONE .. drone .. STOPS, id, order)
-- The drone gets no new work until it renews (place.lua).
if when == 'unreported' and renewal then redis.call('HSET', DRONE .. drone, 'refused', renewal) end
return 1
