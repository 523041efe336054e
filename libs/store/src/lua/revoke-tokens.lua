-- Revokes connection tokens of a backend. Their rows say so for a while, for proxies that load the table later. Returns how
-- many were valid, or -1 for an unknown backend.
local tokens = BACKEND .. backend .. TOKENS
if redis.call('EXISTS', BACKEND .. backend) == 0 then return -1 end
local over = cluster_now() + kept_ms
local function revoke(id, grant)
  if not grant or string.sub(grant, 1, 5) ~= 'good ' then return 0 end
  if by_user and string.sub(grant, 6) ~= user then return 0 end
  local due = DUE_TOKEN .. id .. '/' .. backend
  redis.call('HSET', tokens, id, 'revoked')
  if tonumber(redis.call('ZSCORE', DUE, due) or '0') > over then redis.call('ZADD', DUE, whole(over), due) end
  put_row(ROW_TOKEN .. id, row)
  return 1
end

if token then return revoke(token, redis.call('HGET', tokens, token)) end
local count = 0
local all = redis.call('HGETALL', tokens)
for i = 1, #all, 2 do count = count + revoke(all[i], all[i + 1]) end
return count
