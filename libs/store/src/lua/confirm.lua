-- Tells whether a route that a replica lacks exists. The answer is 'absent' only from the store that the replica follows, and
-- only after every drone has sent its inventory or been forgotten. An older copy does not know what it lacks.
if redis.call('HEXISTS', ROUTES, id) == 1 then return 'known' end
local v = redis.call('HMGET', EPOCH, 'epoch', 'run')
if not v[1] or v[2] ~= run_id() or window_left() > 0 then return 'unsure' end
for _, field in ipairs(redis.call('HKEYS', EPOCH)) do
  if string.find(field, AWAITED .. MEMBER_DRONE, 1, true) == 1 then return 'unsure' end
end
if (redis.call('HGET', ROUTE_HEAD, 'epoch') or '0') ~= log_epoch then return 'unsure' end
return 'absent'
