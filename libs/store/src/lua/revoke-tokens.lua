-- Takes connection tokens of a backend back. What says so stays for a while, for proxies that load the table anew.
-- ARGV: id of the backend, id of the token (empty: any), 'user' | 'any', the user, row without epoch that says so, ms for
-- which it stays. Returns how many were good until now, -1 for an unknown backend.
local id, tokens = ARGV[1], BACKEND .. ARGV[1] .. ':tokens'
if redis.call('EXISTS', BACKEND .. id) == 0 then return -1 end
local over = cluster_now() + tonumber(ARGV[6])
local function revoke(token, said)
  if not said or string.sub(said, 1, 5) ~= 'good ' then return 0 end
  if ARGV[3] == 'user' and string.sub(said, 6) ~= ARGV[4] then return 0 end
  local due = 'token/' .. token .. '/' .. id
  redis.call('HSET', tokens, token, 'revoked')
  if tonumber(redis.call('ZSCORE', DUE, due) or '0') > over then redis.call('ZADD', DUE, whole(over), due) end
  put_row('token/' .. token, ARGV[5])
  return 1
end

if ARGV[2] ~= '' then return revoke(ARGV[2], redis.call('HGET', tokens, ARGV[2])) end
local count = 0
local all = redis.call('HGETALL', tokens)
for i = 1, #all, 2 do count = count + revoke(all[i], all[i + 1]) end
return count
