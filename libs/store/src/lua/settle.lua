-- Ends a suspension: 'end' for the backend's end, 'open' to give the route back. The first wins, and later
-- callers hear which it was. ARGV: id, epoch of the suspension, 'end' | 'open', stop order.
-- Returns 'open' | 'ended' | 'unknown' (nobody can tell any more).
local id = ARGV[1]
redis.call('ZREM', DUE, 'suspend/' .. id .. '/' .. ARGV[2])
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'edge', 'route', 'suspension')
if not v[1] or v[2] == 'pending' then return 'unknown' end
if v[2] == 'ended' then return 'ended' end
-- Open, or suspended once more: this suspension was given back.
if v[2] ~= 'suspended' or v[4] ~= ARGV[2] then return 'open' end
-- What was suspended before this store epoch is not ended in its window.
if ARGV[3] == 'open' or window_left() > 0 then
  resume(id, v[3])
  return 'open'
end
redis.call('HSET', BACKEND .. id, 'edge', 'ended')
-- Fields 1, 5 and 6: ENDED, IDLE, TERMINATING.
put_route(id, v[3] .. string.char(8, 3, 40, 1, 48, 60))
-- The drone hears of it again at every renewal until it has ended it; an order that stands already is a stricter one.
redis.call('HSETNX', DRONE .. v[1] .. ':stops', id, ARGV[4])
return 'ended'
