-- Advances the cluster clock by min(max(TIME - last, 0), 2 s) and pops what is due, at most ARGV[1] entries.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('HGET', CLOCK, 'last') or whole(now))
local clock = cluster_now() + math.min(math.max(now - last, 0), 2000)
redis.call('HSET', CLOCK, 'now', whole(clock), 'last', whole(now))
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', whole(clock), 'LIMIT', 0, ARGV[1])
-- What was popped comes again in 5 s unless handling it took it away, so that a scheduler that dies loses nothing.
for _, entry in ipairs(due) do redis.call('ZADD', DUE, whole(clock + 5000), entry) end
return due
