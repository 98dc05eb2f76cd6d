-- Writes the record of a job, and gives the request, which is stored already, the life of the record.
-- KEYS[1] record   KEYS[2] request   KEYS[3] created: marks that the job was created
-- ARGV[1] life of the record while the job is open (ms)
-- ARGV[2] time to the deadline (ms)
-- ARGV[3] delay before the first attempt (ms)
-- ARGV[4] time of Redis (ms) after which nothing is written, 0 for no limit
-- ARGV[5] time in which only the creator may schedule the job (ms)
-- ARGV[6] how long (ms) to keep KEYS[3], for repeats under the job's idempotency key; 0 if the job has none
-- ARGV[7…] field, value, …
-- Returns {'created', created_at, deadline_at}; {'duplicate'} if there is a record or the tombstone of a submit that was
-- rolled back; or {'too-late'}.
local record, request, created = KEYS[1], KEYS[2], KEYS[3]
local life_ms, latest_at, confirm_ms, created_ms = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local state, dead = unpack(redis.call('HMGET', record, 'state', 'dead'))
if state then
  -- The request was stored after another submit had created the same job, and that job has settled.
  if is_settled(state) and dead ~= '1' then
    redis.call('UNLINK', request)
  end
  return { 'duplicate' }
end
local now = now_ms()
if latest_at > 0 and now > latest_at then
  return { 'too-late' }
end
local deadline_at = now + tonumber(ARGV[2])
redis.call('HSET', record,
  'state', 'queued',
  'attempts', 0,
  'run', 1,
  'created_at', now,
  'deadline_at', deadline_at,
  'not_before', now + tonumber(ARGV[3]),
  'expires_at', now + tonumber(life_ms),
  'token', '',
  'lease_until', 0,
  'result', '',
  unpack(ARGV, 7))
if confirm_ms > 0 then
  redis.call('HSET', record, 'confirm_until', now + confirm_ms)
end
redis.call('PEXPIRE', record, life_ms)
-- A request that was received before its job had a short life of its own.
redis.call('PEXPIRE', request, life_ms)
if created_ms > 0 then
  redis.call('SET', created, '1', 'PX', created_ms)
end
return { 'created', tostring(now), tostring(deadline_at) }
