#!lua flags=allow-oom
-- Sets the bytes that are stored of an open job. For a settled job remove_job.lua sets them.
-- KEYS[1] open jobs   KEYS[2] stored   KEYS[3] bytes: see stored.lua
-- ARGV[1] job ID   ARGV[2] bytes
local open_jobs, quota = KEYS[1], { stored = KEYS[2], bytes = KEYS[3] }
local id, size = ARGV[1], tonumber(ARGV[2])
local before, total = bytes_of(quota, id)
if before and redis.call('ZSCORE', open_jobs, id) then
  local expires_at = tonumber(redis.call('ZSCORE', quota.stored, id))
  put_bytes(quota, now_ms(), id, size, expires_at, before, total)
end
