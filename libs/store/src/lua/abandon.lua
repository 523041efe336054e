-- Ends a record that its drone can no longer end: never taken over ('unreported': only while no report of it
-- has come), or no longer in its drone's inventory ('any'). The drone keeps a stop order in case it starts late.
-- ARGV: id, 'unreported' | 'any', status, route, order, retention in ms, ms for which its drone
-- must have been silent (0: it need not), the drone's registration, which must be its present one (empty: any).
-- Returns 1 when it was ended here.
local id = ARGV[1]
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'revision')
redis.call('ZREM', DUE, 'reserve/' .. id)
if not v[1] or tonumber(v[2]) == TERMINATED then return 0 end
if ARGV[8] ~= '' and not stands('drone/' .. v[1], ARGV[8]) then return 0 end
local renewal = redis.call('HGET', RENEWALS, 'drone/' .. v[1])
local renewed = tonumber(renewal or '-1000000000')
if tonumber(ARGV[7]) > 0 and cluster_now() - renewed < tonumber(ARGV[7]) then return 0 end
if ARGV[2] == 'unreported' and tonumber(v[3]) > 0 then return 0 end
redis.call('HSET', BACKEND .. id, 'state', TERMINATED, 'revision', whole(tonumber(v[3]) + 1), 'status', ARGV[3], 'edge', 'ended')
put_route(id, ARGV[4])
release(id, v[1], tonumber(ARGV[6]))
redis.call('HSET', DRONE .. v[1] .. ':stops', id, ARGV[5])
-- No new work for this drone until it renews (place.lua).
if ARGV[2] == 'unreported' and renewal then redis.call('HSET', DRONE .. v[1], 'refused', renewal) end
return 1
