#!lua flags=no-writes
-- The bytes that are stored for a queue now, without entries that have expired and are not yet removed.
-- KEYS[1] stored   KEYS[2] bytes: see stored.lua
local quota = { stored = KEYS[1], bytes = KEYS[2] }
local now = now_ms()
local _, total = bytes_of(quota, '')
local offset = 0
while true do
  local ids, size = expired_bytes(quota, now, offset)
  if #ids == 0 then
    return total
  end
  total = total - size
  offset = offset + #ids
end
