#!lua flags=allow-oom
-- Removes a job that has settled or was never created from its queue. A job that was open is counted for the rate at which
-- the queue drains. A dead letter is listed, and the bytes that are left of the job are counted.
-- KEYS[1] slots   KEYS[2] open jobs   KEYS[3] the caller's unsettled jobs   KEYS[4] dead letters
-- KEYS[5] callbacks: see add_job.lua
-- KEYS[6] redriven: exists if the run has been redriven
-- KEYS[7] stored   KEYS[8] bytes: see stored.lua
-- ARGV[1] job ID
-- ARGV[2] '1' for a dead letter
-- ARGV[3] when the record expires (ms since 1970)
-- ARGV[4] bytes of the bodies that stay as long as the record, '' to leave the count as it is
local slots, open_jobs, caller_jobs, dead_letters, callbacks, redriven =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local quota = { stored = KEYS[7], bytes = KEYS[8] }
local id, is_dead, expires_at, left_bytes = ARGV[1], ARGV[2] == '1', ARGV[3], tonumber(ARGV[4])
-- The run has been redriven since: the job is open again.
if redis.call('EXISTS', redriven) == 1 then
  return
end
local now = now_ms()
redis.call('ZREM', slots, id)
-- The callback is due now.
redis.call('ZADD', callbacks, 'XX', now, id)
redis.call('ZREM', caller_jobs, id)
if redis.call('ZREM', open_jobs, id) == 1 then
  count_settled(slots, now)
end
-- A result that was consumed before this call is not counted: its entry has been removed.
if left_bytes then
  local before, total = bytes_of(quota, id)
  if before and left_bytes == 0 then
    drop_bytes(quota, { id }, before)
  elseif before then
    put_bytes(quota, now, id, left_bytes, tonumber(expires_at), before, total)
  end
end
if is_dead then
  redis.call('ZREMRANGEBYSCORE', dead_letters, '-inf', now)
  redis.call('ZADD', dead_letters, expires_at, id)
  local last = redis.call('ZRANGE', dead_letters, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', dead_letters, math.ceil(tonumber(last[2])))
end
