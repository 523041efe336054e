-- Writes a connection token down, for proxies to follow. ARGV: id of the backend, id of the token, its user, its row in the
-- route table without epoch, its life in ms, how many a backend may have.
-- Returns 'granted' | 'unknown' | 'ended' | 'public' (it needs none) | 'full'.
local id, token = ARGV[1], ARGV[2]
local v = redis.call('HMGET', BACKEND .. id, 'state', 'access')
if not v[1] then return 'unknown' end
if tonumber(v[1]) >= TERMINATING then return 'ended' end
if not v[2] then return 'public' end
local tokens = BACKEND .. id .. ':tokens'
if redis.call('HEXISTS', tokens, token) == 1 then return 'granted' end
if redis.call('HLEN', tokens) >= tonumber(ARGV[6]) then return 'full' end
redis.call('HSET', tokens, token, 'good ' .. ARGV[3])
redis.call('ZADD', DUE, whole(cluster_now() + tonumber(ARGV[5])), 'token/' .. token .. '/' .. id)
put_row('token/' .. token, ARGV[4])
return 'granted'
