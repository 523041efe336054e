-- Advances the cluster clock by the time that passed, at most by one turn, and pops the deadlines that are due. Each is due
-- again soon unless its handler removes it, so that a scheduler that dies loses none.
local now = redis_now()
local last = tonumber(redis.call('HGET', CLOCK, 'last') or whole(now))
local clock = cluster_now() + math.min(math.max(now - last, 0), turn_ms)
redis.call('HSET', CLOCK, 'now', whole(clock), 'last', whole(now))
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', whole(clock), 'LIMIT', 0, most)
for _, entry in ipairs(due) do redis.call('ZADD', DUE, whole(clock + again_ms), entry) end
return due
