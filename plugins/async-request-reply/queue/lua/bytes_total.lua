#!lua flags=no-writes
-- The bytes that are stored for a queue now: without those that have gone by themselves and are not yet forgotten.
-- KEYS[1] places
local now = now_ms()
local stored, bytes = stored_keys(KEYS[1])
local _, total = bytes_of(KEYS[1], '')
local offset = 0
while true do
  local ids = redis.call('ZRANGEBYSCORE', stored, '-inf', now, 'LIMIT', offset, EXPIRE_BATCH)
  if #ids == 0 then
    return total
  end
  for _, size in ipairs(redis.call('HMGET', bytes, unpack(ids))) do
    total = total - tonumber(size or 0)
  end
  offset = offset + #ids
end
