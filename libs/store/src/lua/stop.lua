-- Stores a stop order. An order to kill replaces any other; another order leaves an existing one as it is. Returns the drone,
-- an empty text for a backend that has ended, nil for an unknown one.
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state')
if not v[1] then return nil end
if tonumber(v[2]) == TERMINATED then return '' end
if force then
  redis.call('HSET', DRONE .. v[1] .. STOPS, id, order)
else
  redis.call('HSETNX', DRONE .. v[1] .. STOPS, id, order)
end
return v[1]
