-- Suspends the open route of a backend, before an idle shutdown, for its drone with the present registration. A suspension
-- that exists already, because its outcome could not be reported, continues: no request was let through since. Returns its
-- epoch, the route, and every proxy that is not forgotten yet with the age of its last renewal. Returns 'window' while not
-- every proxy may be known.
if not is_current(MEMBER_DRONE .. drone, registration) then return nil end
if window_left() > 0 then return 'window' end
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'edge', 'route', 'suspension')
if v[1] ~= drone or not v[3] then return nil end
local epoch = v[4]
if v[2] == 'open' then
  epoch = whole(put_route(id, v[3] .. number_field(FIELD_ROUTE_STATE, ROUTE_SUSPENDED)))
  redis.call('HSET', BACKEND .. id, 'edge', 'suspended', 'suspension', epoch)
elseif v[2] ~= 'suspended' then
  return nil
end
redis.call('ZADD', DUE, whole(cluster_now() + suspension_ms), DUE_SUSPEND .. id .. '/' .. epoch)
local answer = { epoch, v[3] }
add_ages(answer, 'proxy')
return answer
