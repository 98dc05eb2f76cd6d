#!lua flags=allow-oom
-- Counts anew what is stored of a job that has not settled: what is stored once it has is told by remove_job.lua.
-- KEYS[1] places   KEYS[2] open jobs   ARGV[1] job ID   ARGV[2] bytes
local before, total = bytes_of(KEYS[1], ARGV[1])
if before and redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  local stored = stored_keys(KEYS[1])
  local expires_at = tonumber(redis.call('ZSCORE', stored, ARGV[1]))
  put_bytes(KEYS[1], now_ms(), ARGV[1], tonumber(ARGV[2]), expires_at, before, total)
end
