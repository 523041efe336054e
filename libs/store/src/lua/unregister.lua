-- Forgets a node that has not renewed for ARGV[4] ms. ARGV: nodes key, kind/id, id, ms.
local at = tonumber(redis.call('HGET', RENEWALS, ARGV[2]) or '0')
if cluster_now() - at < tonumber(ARGV[4]) then return 0 end
redis.call('HDEL', ARGV[1], ARGV[3])
redis.call('HDEL', RENEWALS, ARGV[2], ARGV[2] .. '/registration')
arrived(ARGV[2])
return 1
