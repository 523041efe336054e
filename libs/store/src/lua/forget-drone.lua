-- Removes a silent drone from the cluster: it gets no work, and its registration is void.
if cluster_now() - (renewed_at(drone) or 0) < silent_ms then
  redis.call('ZREM', DUE, DUE_DRONE .. drone)
  return 0
end
local member = MEMBER_DRONE .. drone
redis.call('HDEL', NODES .. 'drone', drone)
redis.call('HDEL', RENEWALS, member, member .. REGISTRATION)
redis.call('ZREM', LOAD, drone)
redis.call('ZREM', SOONEST, drone)
arrived(member)
redis.call('ZREM', DUE, DUE_LEASE .. drone, DUE_DRONE .. drone, DUE_SILENT .. drone)
if redis.call('SCARD', DRONE .. drone .. LIVING) == 0 then redis.call('DEL', DRONE .. drone) end
drop_row(ROW_DRONE .. drone)
put_agent(drone, '')
return 1
