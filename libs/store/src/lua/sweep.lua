-- Advances the cluster clock by min(max(TIME - last, 0), a turn) and returns the entries that are due.
-- ARGV: the most entries, a turn in ms, after how many ms an entry is due again.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('HGET', CLOCK, 'last') or whole(now))
local clock = cluster_now() + math.min(math.max(now - last, 0), tonumber(ARGV[2]))
redis.call('HSET', CLOCK, 'now', whole(clock), 'last', whole(now))
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', whole(clock), 'LIMIT', 0, ARGV[1])
-- Handling an entry removes it. If the scheduler dies first, the entry comes again.
for _, entry in ipairs(due) do redis.call('ZADD', DUE, whole(clock + tonumber(ARGV[3])), entry) end
return due
