-- Writes the record of a job, and has the payload live as long as it. That is there already, with a TTL of its own.
-- KEYS[1] record
-- ARGV[1] life of the record while the job is open (ms)   ARGV[2] time to the deadline (ms)
-- ARGV[3] delay before the first attempt (ms)
-- ARGV[4] time of Redis (ms) after which nothing is written any more, 0 for no limit
-- ARGV[5] time in which only its writer may schedule it (ms)
-- ARGV[6] how long (ms) to remember that the job was made, for repeats under its idempotency key; 0: it has none
-- ARGV[7…] field, value, …
-- Returns {'created', created_at, deadline_at}; {'duplicate'} where a record, or the tombstone of a cancelled submit, is
-- there; {'too-late'}.
local r = redis.call('HMGET', KEYS[1], 'state', 'dead')
if r[1] then
  -- The payload came late, behind that of another who made the same job.
  if is_settled(r[1]) and r[2] ~= '1' then
    redis.call('UNLINK', sibling(KEYS[1], 'req'))
  end
  return { 'duplicate' }
end
local now = now_ms()
local latest = tonumber(ARGV[4])
if latest > 0 and now > latest then
  return { 'too-late' }
end
local deadline = now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'state', 'queued', 'attempts', 0, 'run', 1, 'created_at', now,
  'deadline_at', deadline, 'not_before', now + tonumber(ARGV[3]), 'expires_at', now + tonumber(ARGV[1]), 'token', '', 'lease_until', 0, 'result', '',
  unpack(ARGV, 7))
if tonumber(ARGV[5]) > 0 then
  redis.call('HSET', KEYS[1], 'confirm_until', now + tonumber(ARGV[5]))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
-- One that was received before its job has lived from minute to minute.
redis.call('PEXPIRE', sibling(KEYS[1], 'req'), ARGV[1])
if tonumber(ARGV[6]) > 0 then
  redis.call('SET', sibling(KEYS[1], 'created'), '1', 'PX', ARGV[6])
end
return { 'created', tostring(now), tostring(deadline) }
