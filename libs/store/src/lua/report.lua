-- What an agent says of one backend. ARGV: id, drone, state, revision, status, what the edge answers
-- ('pending', 'open' or 'ended'), route, retention in ms, registration.
-- Returns 'stale' (another registration) | 'unknown' | 'elsewhere' | 'old' | 'taken' | 'ended' (an end that stood before) |
-- {'behind', revision}: an end that has to be told again, above the revision that the record has.
local id, drone, state, revision = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if not stands('drone/' .. drone, ARGV[9]) then return 'stale' end
local v = redis.call('HMGET', BACKEND .. id, 'drone', 'state', 'revision', 'edge')
if not v[1] then return 'unknown' end
if v[1] ~= drone then return 'elsewhere' end
if tonumber(v[2]) == TERMINATED then
  -- Its drone says so too, or that it never came to be there: it starts no more, and nothing is left to be ordered.
  if state == TERMINATED then redis.call('HDEL', DRONE .. drone .. ':stops', id) end
  return 'ended'
end
-- Nothing comes after an end, so no end is late: its drone's disk has lost what it had told of since.
if state == TERMINATED and revision <= tonumber(v[3]) then return { 'behind', v[3] } end
-- The rule of lifecycle.ts, supersedes().
if state < tonumber(v[2]) or revision <= tonumber(v[3]) then return 'old' end
local edge = ARGV[6]
-- A suspension is settled by those who take part in it, and a settled end stands; `route` is what is given back.
if edge == 'open' and (v[4] == 'suspended' or v[4] == 'ended') then edge = v[4] end
redis.call('HSET', BACKEND .. id, 'state', state, 'revision', whole(revision), 'status', ARGV[5], 'edge', edge, 'route', ARGV[7])
redis.call('ZREM', DUE, 'reserve/' .. id)
-- Only changes of the edge's answer are logged; the reason that a 410 tells may come with the very end.
if edge ~= v[4] or state == TERMINATED then put_route(id, ARGV[7]) end
if state == TERMINATED then
  release(id, drone, tonumber(ARGV[8]))
  redis.call('HDEL', DRONE .. drone .. ':stops', id)
end
return 'taken'
