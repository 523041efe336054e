-- One line of an inventory whose record is not there: written as its drone tells it, reservation included.
-- Its key is its own again. Of two claimants the one with the higher placement, the fence, stays; the other is to stop.
-- ARGV: id, drone, state, revision, status, edge, route, cpu, memory, facts, placement, retention,
-- hash of the key (empty for none), order without id for a claimant that has to go, access, registration.
-- Returns 'known' when there is a record, 'stale' for another registration: a drone that the store does not know has no lease
-- that ends what it has.
local id, drone, state, placement, key = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[11]), ARGV[13]
-- No later fence may be lower, though this Redis should have lost its ticks and its clock have gone back.
outgrow(placement)
if not stands('drone/' .. drone, ARGV[16]) then return 'stale' end
if redis.call('EXISTS', BACKEND .. id) == 1 then return 'known' end
redis.call('HSET', BACKEND .. id, 'state', state, 'revision', ARGV[4], 'drone', drone, 'placement', ARGV[11],
  'held', held(ARGV[8], ARGV[9], key), 'facts', ARGV[10], 'status', ARGV[5], 'edge', ARGV[6], 'route', ARGV[7])
keep_access(id, ARGV[15])
redis.call('ZADD', BACKENDS, ARGV[11], id)
put_route(id, ARGV[7])
if state == TERMINATED then
  redis.call('ZADD', DUE, whole(cluster_now() + tonumber(ARGV[12])), 'forget/' .. id)
else
  redis.call('SADD', DRONE .. drone .. ':backends', id)
  reserve(drone, tonumber(ARGV[8]), tonumber(ARGV[9]), 1)
  if key ~= '' then
    local rival, rivals_drone, _, rivals_placement = holder_of(key)
    if rival and rivals_placement > placement then
      order_stop(drone, id, ARGV[14])
    else
      redis.call('SET', KEY .. key, id)
      if rival then order_stop(rivals_drone, rival, ARGV[14]) end
    end
  end
end
return 'restored'
