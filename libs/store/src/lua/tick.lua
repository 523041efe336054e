-- The next tick. ARGV: one that was given before and that this store may have lost with others (absent or 0: none is
-- known). More than a year ahead of Redis's clock it is not believed: ticks must stay whole numbers.
local given = tonumber(ARGV[1] or '0')
local year = 366 * 86400 * 1000000
if given > tonumber(redis.call('GET', TICK) or '0') and given < tonumber(redis.call('TIME')[1]) * 1000000 + year then
  redis.call('SET', TICK, whole(given))
end
return whole(next_tick())
