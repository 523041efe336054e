-- Takes a route back before an end for idleness, if it is open and the caller is its drone with the present
-- registration. A suspension that stands already, because what became of it could not be told, goes on: nothing was let
-- through since. ARGV: id, drone, registration, nodes key of the proxies, ms until it is given back.
-- Returns nil | 'window' (of a new store epoch: not every proxy may be known) | {epoch, route, proxy, its silence in ms, proxy, …}: every proxy that is not forgotten yet.
local id, drone = ARGV[1], ARGV[2]
if not stands('drone/' .. drone, ARGV[3]) then return nil end
if window_left() > 0 then return 'window' end
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'edge', 'route', 'suspension')
if v[1] ~= drone or not v[3] then return nil end
local epoch = v[4]
if v[2] == 'open' then
  -- Field 1, the state: SUSPENDED.
  epoch = whole(put_route(id, v[3] .. string.char(8, 4)))
  redis.call('HSET', BACKEND .. id, 'edge', 'suspended', 'suspension', epoch)
elseif v[2] ~= 'suspended' then
  return nil
end
local now = cluster_now()
redis.call('ZADD', DUE, whole(now + tonumber(ARGV[5])), 'suspend/' .. id .. '/' .. epoch)
local answer = { epoch, v[3] }
local proxies = redis.call('HGETALL', ARGV[4])
for i = 1, #proxies, 2 do
  answer[#answer + 1] = proxies[i + 1]
  answer[#answer + 1] = whole(now - tonumber(redis.call('HGET', RENEWALS, 'proxy/' .. proxies[i]) or '0'))
end
return answer
