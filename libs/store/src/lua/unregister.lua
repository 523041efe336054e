-- Removes a node that has not renewed for `silent_ms`.
local member = kind .. '/' .. id
local at = tonumber(redis.call('HGET', RENEWALS, member) or '0')
if cluster_now() - at < silent_ms then return 0 end
redis.call('HDEL', NODES .. kind, id)
redis.call('HDEL', RENEWALS, member, member .. REGISTRATION)
arrived(member)
return 1
