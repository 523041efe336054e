-- The next tick. `given` is one that an earlier store gave; 0 if there is none.
outgrow(given)
return whole(next_tick())
