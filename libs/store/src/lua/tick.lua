-- The next tick. ARGV: one that was given before and that this store may have lost with others (absent or 0: none is known).
outgrow(tonumber(ARGV[1] or '0'))
return whole(next_tick())
