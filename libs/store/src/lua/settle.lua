-- Settles a suspension: the backend's end, or the route's resumption. The first call decides, and later ones learn which it was.
redis.call('ZREM', DUE, DUE_SUSPEND .. id .. '/' .. epoch)
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'edge', 'route', 'suspension')
if not v[1] or v[2] == 'pending' then return 'unknown' end
if v[2] == 'ended' then return 'ended' end
-- Open, or suspended again: this suspension was resumed.
if v[2] ~= 'suspended' or v[4] ~= epoch then return 'open' end
-- A suspension that is older than the store epoch does not end the backend in its window.
if outcome == 'open' or window_left() > 0 then
  resume(id, v[3])
  return 'open'
end
redis.call('HSET', BACKEND .. id, 'edge', 'ended')
put_route(id, v[3] .. number_field(FIELD_ROUTE_STATE, ROUTE_ENDED) .. number_field(FIELD_ROUTE_END_REASON, REASON_IDLE)
  .. number_field(FIELD_ROUTE_BACKEND_STATE, TERMINATING))
-- Every renewal of the drone repeats the order until the backend has ended. An order that exists already is at least as strict.
redis.call('HSETNX', DRONE .. v[1] .. STOPS, id, order)
return 'ended'
