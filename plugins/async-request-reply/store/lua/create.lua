-- Writes the record of a job. The payload is there already, with a TTL of its own.
-- KEYS[1] record
-- ARGV[1] life of the record while the job is open (ms)   ARGV[2] time to the deadline (ms)
-- ARGV[3] delay before the first attempt (ms)
-- ARGV[4] time of Redis (ms) after which nothing is written any more, 0 for no limit
-- ARGV[5] time in which only its writer may schedule it (ms)   ARGV[6…] field, value, …
-- Returns {'created', created_at, deadline_at}; {'exists'} where a record, or the tombstone of a cancelled submit, is
-- there; {'late'}.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 'exists' }
end
local now = now_ms()
local latest = tonumber(ARGV[4])
if latest > 0 and now > latest then
  return { 'late' }
end
local deadline = now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'state', 'queued', 'attempts', 0, 'run', 1, 'created_at', now,
  'deadline_at', deadline, 'not_before', now + tonumber(ARGV[3]), 'expires_at', now + tonumber(ARGV[1]), 'token', '', 'lease_until', 0, 'result', '',
  unpack(ARGV, 6))
if tonumber(ARGV[5]) > 0 then
  redis.call('HSET', KEYS[1], 'confirm_until', now + tonumber(ARGV[5]))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return { 'created', tostring(now), tostring(deadline) }
