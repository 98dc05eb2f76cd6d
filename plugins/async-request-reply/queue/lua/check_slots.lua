#!lua flags=no-writes
-- Checks whether a queue has a free slot, before a body is received for nothing. Only reserve.lua decides.
-- KEYS[1] slots: see reserve.lua
-- ARGV[1] most slots
-- Returns {'free'}, or {'full', jobs that settled in the last minute}.
local slots, max_slots = KEYS[1], tonumber(ARGV[1])
local now = now_ms()
if redis.call('ZCOUNT', slots, '(' .. now, '+inf') >= max_slots then
  return full(slots, now)
end
return { 'free' }
