-- Reserves a slot in a queue, and bytes for the request's body, before the job is written. So the limits are exact under
-- concurrent submits. It also gives the job its fair rank: callers take turns.
-- KEYS[1] slots: sorted set of job IDs, score = when the slot expires (ms)
-- KEYS[2] ranks: hash of `current` (rank of the job that started last), `base` and `max` (highest rank given)
-- KEYS[3] the rank of the caller's last job
-- KEYS[4] the caller's unsettled jobs: sorted set like the slots
-- KEYS[5] the pause of the queue
-- KEYS[6] stored   KEYS[7] bytes: see stored.lua
-- ARGV[1] job ID
-- ARGV[2] most slots
-- ARGV[3] how long a reservation lasts unless the job is added (ms)
-- ARGV[4] most unsettled jobs of the caller, 0 for no limit
-- ARGV[5] life of a job (ms)
-- ARGV[6] bytes of the request's body, '' if they are counted already
-- ARGV[7] most bytes of the queue, 0 for no limit
-- Returns one of
--   {'reserved', rank from the base, time (ms), rest of the pause (ms), 0 without one}
--   {'caller-full'}
--   {'full', jobs that settled in the last minute}
--   {'bytes-full', ms until the next entry expires}
local slots, ranks, caller_rank, caller_jobs, pause = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local quota = { stored = KEYS[6], bytes = KEYS[7] }
local id, max_slots, provisional_ms, max_per_caller, life_ms =
  ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local body_bytes, max_bytes = ARGV[6], tonumber(ARGV[7])
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
local waiting = redis.call('ZCARD', slots)
-- Several submits under one idempotency key create one job, which may have its slot already.
local has_slot = redis.call('ZSCORE', slots, id)
if not has_slot and waiting >= max_slots then
  return full(slots, now)
end
if max_per_caller > 0 then
  redis.call('ZREMRANGEBYSCORE', caller_jobs, '-inf', now)
  if not redis.call('ZSCORE', caller_jobs, id) and redis.call('ZCARD', caller_jobs) >= max_per_caller then
    return { 'caller-full' }
  end
end
local reserved_until = now + provisional_ms
if body_bytes ~= '' then
  local refusal = reserve_bytes(quota, now, id, tonumber(body_bytes), max_bytes, reserved_until, true)
  if refusal then
    return refusal
  end
end
if max_per_caller > 0 then
  redis.call('ZADD', caller_jobs, 'NX', reserved_until, id)
  redis.call('PEXPIRE', caller_jobs, life_ms)
end
local current, base, highest = unpack(redis.call('HMGET', ranks, 'current', 'base', 'max'))
current, base, highest = tonumber(current or 0), tonumber(base or 0), tonumber(highest or 0)
if waiting == 0 then
  -- No job waits: all callers start even.
  current, base = highest, highest
  redis.call('HSET', ranks, 'current', current, 'base', base)
end
local rank = math.max(current, tonumber(redis.call('GET', caller_rank) or 0)) + 1
redis.call('SET', caller_rank, rank, 'PX', life_ms)
redis.call('HSET', ranks, 'max', math.max(highest, rank))
redis.call('PEXPIRE', ranks, life_ms)
redis.call('ZADD', slots, 'NX', reserved_until, id)
-- The last slot of all may be that of a submit that was killed, which nothing removes.
redis.call('PEXPIRE', slots, life_ms, 'NX')
redis.call('PEXPIRE', slots, life_ms, 'GT')
return { 'reserved', tostring(rank - base), tostring(now), tostring(math.max(redis.call('PTTL', pause), 0)) }
