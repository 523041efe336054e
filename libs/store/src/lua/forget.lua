-- Deletes an ended record and its connection tokens.
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state')
redis.call('ZREM', DUE, DUE_FORGET .. id)
if v[1] and tonumber(v[2]) ~= TERMINATED then return 0 end
if v[1] then redis.call('HDEL', DRONE .. v[1] .. STOPS, id) end
free_key(id)
for _, token in ipairs(redis.call('HKEYS', BACKEND .. id .. TOKENS)) do drop_token(id, token) end
redis.call('DEL', BACKEND .. id)
redis.call('ZREM', BACKENDS, id)
drop_row(id)
return 1
