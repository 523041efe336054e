-- A drone's renewals were due. ARGV: drone, ms after which it is unreachable, its row in the route table without epoch.
-- One entry of the route log tells the edge of all that it has; renew.lua takes the row away. Returns 1 when it is silent.
local at = tonumber(redis.call('HGET', RENEWALS, 'drone/' .. ARGV[1]) or '-1')
redis.call('ZREM', DUE, 'silent/' .. ARGV[1])
if at < 0 then return 0 end
if cluster_now() - at < tonumber(ARGV[2]) then
  redis.call('ZADD', DUE, whole(at + tonumber(ARGV[2])), 'silent/' .. ARGV[1])
  return 0
end
if redis.call('HEXISTS', ROUTES, 'drone/' .. ARGV[1]) == 0 then put_row('drone/' .. ARGV[1], ARGV[3]) end
return 1
