-- ARGV: kind/id, id, registration. Returns {granted, stop orders as id, order, id, order, …}.
if redis.call('HGET', RENEWALS, ARGV[1] .. '/registration') ~= ARGV[3] then return { 0, {} } end
redis.call('HSET', RENEWALS, ARGV[1], whole(cluster_now()))
return { 1, redis.call('HGETALL', DRONE .. ARGV[2] .. ':stops') }
