-- Counts the bytes of a request's body while it comes in, before its job is there. Asked again it counts what it is then.
-- KEYS[1] places
-- ARGV[1] job ID   ARGV[2] bytes   ARGV[3] most bytes of the queue, 0 for no limit
-- ARGV[4] how long they are counted unless this is asked again (ms)
-- Returns {'reserved'}, or {'bytes-full', ms until some bytes go by themselves}: then what was counted before stays so.
local now = now_ms()
return reserve_bytes(KEYS[1], now, ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), now + tonumber(ARGV[4])) or { 'reserved' }
