-- Writes a wanted end down. ARGV: id, order bytes, 1 for an order to kill: another one leaves the order that stands as it is.
-- Returns the drone, '' for one that has ended, nil for an unknown one.
local v = redis.call('HMGET', BACKEND .. ARGV[1], 'drone', 'state')
if not v[1] then return nil end
if tonumber(v[2]) == TERMINATED then return '' end
redis.call(ARGV[3] == '1' and 'HSET' or 'HSETNX', DRONE .. v[1] .. ':stops', ARGV[1], ARGV[2])
return v[1]
