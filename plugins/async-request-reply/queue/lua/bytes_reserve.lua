-- Reserves bytes for a request's body while it is received, before its job is created. A later call replaces the count.
-- KEYS[1] stored   KEYS[2] bytes: see stored.lua
-- ARGV[1] job ID
-- ARGV[2] bytes
-- ARGV[3] most bytes of the queue, 0 for no limit
-- ARGV[4] how long they count unless the call is repeated (ms)
-- Returns {'reserved'}, or {'bytes-full', ms until the next entry expires}; an earlier count then stays.
local quota = { stored = KEYS[1], bytes = KEYS[2] }
local id, size, max_bytes, life_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
return reserve_bytes(quota, now, id, size, max_bytes, now + life_ms, false) or { 'reserved' }
