-- Counts the bytes of a request's body while it comes in, before its job is there. Asked again it counts what it is then.
-- KEYS[1] places
-- ARGV[1] job ID   ARGV[2] bytes   ARGV[3] most bytes of the queue, 0 for no limit
-- ARGV[4] how long they are counted unless this is asked again (ms)
-- Returns {'held'}, or {'bytes-full', ms until some bytes go by themselves}: then what was counted before stays so.
local now = now_ms()
lapse_bytes(KEYS[1], now)
local size, before = tonumber(ARGV[2]), bytes_of(KEYS[1], ARGV[1])
if (not before or size > before) and not has_room(KEYS[1], now, size - (before or 0), tonumber(ARGV[3])) then
  return bytes_full(KEYS[1], now)
end
put_bytes(KEYS[1], now, ARGV[1], size, now + tonumber(ARGV[4]))
return { 'held' }
