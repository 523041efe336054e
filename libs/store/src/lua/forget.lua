-- Takes an ended record away for good, and its connection tokens with it. ARGV: id.
local v = redis.call('HMGET', BACKEND .. ARGV[1], 'drone', 'state')
redis.call('ZREM', DUE, 'forget/' .. ARGV[1])
if v[1] and tonumber(v[2]) ~= TERMINATED then return 0 end
if v[1] then redis.call('HDEL', DRONE .. v[1] .. ':stops', ARGV[1]) end
free_key(ARGV[1])
for _, token in ipairs(redis.call('HKEYS', BACKEND .. ARGV[1] .. ':tokens')) do drop_token(ARGV[1], token) end
redis.call('DEL', BACKEND .. ARGV[1])
redis.call('ZREM', BACKENDS, ARGV[1])
if redis.call('HEXISTS', ROUTES, ARGV[1]) == 1 then put_row(ARGV[1], '') end
return 1
