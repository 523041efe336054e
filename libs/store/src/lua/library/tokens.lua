-- Deletes every trace of a connection token.
local function drop_token(id, token)
  redis.call('ZREM', DUE, DUE_TOKEN .. token .. '/' .. id)
  redis.call('HDEL', BACKEND .. id .. TOKENS, token)
  drop_row(ROW_TOKEN .. token)
end
