-- First of all in every writing script: nothing is written into a store that is not the one which the caller knows, as
-- after a failover, a restart, a loss or an older copy. The last of ARGV is the caller's store epoch.
do
  local stored = redis.call('HMGET', EPOCH, 'epoch', 'run')
  if stored[1] ~= table.remove(ARGV) or stored[2] ~= run_id() then
    return redis.error_reply('EPOCH the store is not the one that the caller knows')
  end
end
