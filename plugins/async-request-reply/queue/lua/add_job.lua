-- Adds a job to its queue: it keeps its slot and is open, both until its deadline, and its request counts among the stored bytes.
-- KEYS[1] slots   KEYS[2] open jobs   KEYS[3] the caller's unsettled jobs
-- KEYS[4] callbacks: sorted set of job IDs, score = when a worker next looks at the callback (ms)
-- KEYS[5] stored   KEYS[6] bytes: see stored.lua
-- ARGV[1] job ID
-- ARGV[2] time to the deadline (ms)
-- ARGV[3] life of the job (ms)
-- ARGV[4] '1' if the job has a callback: it is due when the job has settled (remove_job.lua), or at the end of its life
-- ARGV[5] bytes of the request's body
local slots, open_jobs, caller_jobs, callbacks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local quota = { stored = KEYS[5], bytes = KEYS[6] }
local id, deadline_ms, life_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local has_callback, request_bytes = ARGV[4] == '1', tonumber(ARGV[5])
local now = now_ms()
redis.call('ZADD', slots, 'XX', now + deadline_ms, id)
redis.call('ZADD', open_jobs, now + deadline_ms, id)
redis.call('ZADD', caller_jobs, 'XX', now + life_ms, id)
put_bytes(quota, now, id, request_bytes, now + life_ms, bytes_of(quota, id))
if has_callback then
  redis.call('ZADD', callbacks, now + life_ms, id)
  redis.call('PEXPIRE', callbacks, life_ms + CALLBACK_LIFE_MS, 'GT')
  redis.call('PEXPIRE', callbacks, life_ms + CALLBACK_LIFE_MS, 'NX')
end
