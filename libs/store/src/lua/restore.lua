-- Restores the record of an inventory entry that the store lacks, reservation included. Its key becomes its own again. If two
-- backends claim a key, the higher placement, which is the fence, keeps it; the other backend gets a stop order.
-- No later fence may be lower, even if Redis lost its ticks and its time went back.
outgrow(placement)
-- A drone that the store does not know has no lease that would end the record.
if not is_current(MEMBER_DRONE .. drone, registration) then return 'stale' end
if redis.call('EXISTS', BACKEND .. id) == 1 then return 'known' end
redis.call('HSET', BACKEND .. id, 'state', state, 'revision', whole(revision), 'drone', drone, 'placement', whole(placement),
  'held', held(cpu_millis, memory_bytes, key), 'facts', facts, 'status', status, 'edge', edge, 'route', route)
keep_terms(id, access, pages)
redis.call('ZADD', BACKENDS, whole(placement), id)
put_route(id, route)
if state == TERMINATED then
  redis.call('ZADD', DUE, whole(cluster_now() + retention_ms), DUE_FORGET .. id)
else
  redis.call('SADD', DRONE .. drone .. LIVING, id)
  reserve(drone, cpu_millis, memory_bytes, 1)
  if key then
    local rival, rivals_drone, _, rivals_placement = holder_of(key)
    if rival and rivals_placement > placement then
      order_stop(drone, id, order)
    else
      redis.call('SET', KEY .. key, id)
      if rival then order_stop(rivals_drone, rival, order) end
    end
  end
end
return 'restored'
