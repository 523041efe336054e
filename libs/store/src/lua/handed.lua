-- Adds the times of the scheduler's steps of a start to its record. A restored record lacks them.
local facts = redis.call('HGET', BACKEND .. id, 'facts')
if not facts then return 0 end
redis.call('HSET', BACKEND .. id, 'facts', facts .. bytes_field(FIELD_FACTS_STEPS, steps))
return 1
