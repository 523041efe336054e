-- What the store knows of a route that a replica lacks. It knows that there is none only where it is the store that the
-- replica follows, and every drone has told it what it has, or was given up: an older copy does not know what it lacks.
-- ARGV: id, epoch of the log that the replica follows.
-- Returns 'known' | 'absent' | 'unsure'.
if redis.call('HEXISTS', ROUTES, ARGV[1]) == 1 then return 'known' end
local v = redis.call('HMGET', EPOCH, 'epoch', 'run')
if not v[1] or v[2] ~= run_id() or window_left() > 0 then return 'unsure' end
for _, field in ipairs(redis.call('HKEYS', EPOCH)) do
  if string.find(field, 'await/drone/', 1, true) == 1 then return 'unsure' end
end
if (redis.call('HGET', ROUTE_HEAD, 'epoch') or '0') ~= ARGV[2] then return 'unsure' end
return 'absent'
