-- A connection token's time is over. ARGV: id of the token, id of its backend.
drop_token(ARGV[2], ARGV[1])
return 1
