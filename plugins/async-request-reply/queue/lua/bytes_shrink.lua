#!lua flags=allow-oom
-- Counts what is left of a job's bodies, never more than before: who comes late changes nothing.
-- KEYS[1] places
-- ARGV[1] job ID   ARGV[2] bytes that are left   ARGV[3] within how long they go by themselves (ms), '' as before
local before, total = bytes_of(KEYS[1], ARGV[1])
if not before then
  return
end
local size = math.min(before, tonumber(ARGV[2]))
if size == 0 then
  drop_bytes(KEYS[1], { ARGV[1] }, before)
  return
end
local now = now_ms()
local stored = stored_keys(KEYS[1])
local expires_at = tonumber(redis.call('ZSCORE', stored, ARGV[1]))
if ARGV[3] ~= '' then
  expires_at = math.min(expires_at, now + tonumber(ARGV[3]))
end
put_bytes(KEYS[1], now, ARGV[1], size, expires_at, before, total)
