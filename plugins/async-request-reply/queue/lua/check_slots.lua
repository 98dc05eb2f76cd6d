#!lua flags=no-writes
-- Whether a queue has a place, as far as a look can tell: before a body is taken in that nobody may have a use for.
-- KEYS[1] places: see reserve.lua
-- ARGV[1] most places
-- Returns {'free'}, or {'full', jobs that settled in the last minute}.
local now = now_ms()
if redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf') >= tonumber(ARGV[1]) then
  return full(KEYS[1], now)
end
return { 'free' }
