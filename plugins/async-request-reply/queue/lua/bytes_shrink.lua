#!lua flags=allow-oom
-- Counts what is left of a job's bodies, never more than before: a late call changes nothing.
-- KEYS[1] stored   KEYS[2] bytes: see stored.lua
-- ARGV[1] job ID
-- ARGV[2] bytes that are left
-- ARGV[3] within how long they expire (ms), '' as before
local quota = { stored = KEYS[1], bytes = KEYS[2] }
local id, left_bytes, within_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local before, total = bytes_of(quota, id)
if not before then
  return
end
local size = math.min(before, left_bytes)
if size == 0 then
  drop_bytes(quota, { id }, before)
  return
end
local now = now_ms()
local expires_at = tonumber(redis.call('ZSCORE', quota.stored, id))
if within_ms then
  expires_at = math.min(expires_at, now + within_ms)
end
put_bytes(quota, now, id, size, expires_at, before, total)
