-- Writes a row of the route table and its log entry. The row is a serialized RouteRow without its epoch, which is a fresh
-- tick and is returned. An empty row deletes the row.
local function put_row(id, row)
  local epoch = next_tick()
  local head = tonumber(redis.call('HGET', ROUTE_HEAD, 'epoch') or '0')
  if head == 0 then
    head = epoch
    redis.call('HSET', ROUTE_HEAD, 'epoch', whole(head), 'n', 0)
    redis.call('DEL', ROUTE_LOG)
  end
  local n = redis.call('HINCRBY', ROUTE_HEAD, 'n', 1)
  if row == '' then
    redis.call('HDEL', ROUTES, id)
  else
    row = row .. number_field(FIELD_ROW_EPOCH, epoch)
    redis.call('HSET', ROUTES, id, row)
  end
  redis.call('XADD', ROUTE_LOG, 'MAXLEN', '~', ROUTE_LOG_LENGTH, whole(head) .. '-' .. n,
    'id', id, 'epoch', whole(epoch), 'route', row)
  return epoch
end

-- Deletes a row if there is one. Each deletion is a log entry, so that none is written for a missing row.
local function drop_row(id)
  if redis.call('HEXISTS', ROUTES, id) == 1 then put_row(id, '') end
end

-- Writes the row of a backend. The route is a serialized BackendRoute, to which the record's access is added unless it is
-- public, and its pages if it has any. Returns the epoch.
local function put_route(id, route)
  local v = redis.call('HMGET', BACKEND .. id, 'access', 'pages')
  if v[1] then route = route .. number_field(FIELD_ROUTE_ACCESS, tonumber(v[1])) end
  if v[2] then route = route .. bytes_field(FIELD_ROUTE_PAGES, v[2]) end
  return put_row(id, bytes_field(FIELD_ROW_BACKEND, route))
end

-- Resumes a suspended route (suspend.lua).
local function resume(id, route)
  redis.call('HSET', BACKEND .. id, 'edge', 'open')
  put_route(id, route)
end

-- Writes the address of a drone's agent, unless the row has it already: an unchanged row has only an epoch behind the
-- address. An empty row deletes it.
local function put_agent(drone, row)
  local present = redis.call('HGET', ROUTES, ROW_AGENT .. drone) or ''
  local unchanged = row .. FIELD_ROW_EPOCH
  local same = row == present or (row ~= '' and string.sub(present, 1, #unchanged) == unchanged)
  if not same then put_row(ROW_AGENT .. drone, row) end
end
