-- Writes a connection token into the route table, which proxies follow.
local v = redis.call('HMGET', BACKEND .. backend, 'state', 'access')
if not v[1] then return 'unknown' end
if tonumber(v[1]) >= TERMINATING then return 'ended' end
if not v[2] then return 'public' end
local tokens = BACKEND .. backend .. TOKENS
if redis.call('HEXISTS', tokens, token) == 1 then return 'granted' end
if redis.call('HLEN', tokens) >= most then return 'full' end
redis.call('HSET', tokens, token, 'good ' .. user)
redis.call('ZADD', DUE, whole(cluster_now() + ttl_ms), DUE_TOKEN .. token .. '/' .. backend)
put_row(ROW_TOKEN .. token, row)
return 'granted'
