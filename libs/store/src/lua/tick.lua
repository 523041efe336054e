return whole(next_tick())
