-- Deletes a connection token that has expired on the cluster clock.
drop_token(backend, token)
return 1
