#!lua flags=no-writes
-- A chunk of a payload in pieces, so that the client need not join it out of what the socket gives.
-- KEYS[1] payload   ARGV[1] field   ARGV[2] bytes of a piece
-- Returns the pieces, or nothing where there is no such field.
local chunk = redis.call('HGET', KEYS[1], ARGV[1])
if not chunk then
  return false
end
local pieces, size = {}, tonumber(ARGV[2])
for at = 1, #chunk, size do
  pieces[#pieces + 1] = string.sub(chunk, at, at + size - 1)
end
return pieces
