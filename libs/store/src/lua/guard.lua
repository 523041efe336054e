-- Refuses to write into a store that its caller does not know: after a failover, a restart, a loss, or an older copy.
do
  local stored = redis.call('HMGET', EPOCH, 'epoch', 'run')
  if stored[1] ~= callers_epoch or stored[2] ~= run_id() then
    return redis.error_reply('EPOCH the store is not the one that the caller knows')
  end
end
