-- Handles a drone's renewals that were due. A silent drone is one log entry for all its backends; renew.lua deletes the row.
-- Returns 1 if the drone is silent.
local at = renewed_at(drone)
redis.call('ZREM', DUE, DUE_SILENT .. drone)
if not at then return 0 end
if cluster_now() - at < silent_ms then
  redis.call('ZADD', DUE, whole(at + silent_ms), DUE_SILENT .. drone)
  return 0
end
redis.call('ZREM', SOONEST, drone)
if redis.call('HEXISTS', ROUTES, ROW_DRONE .. drone) == 0 then put_row(ROW_DRONE .. drone, row) end
return 1
