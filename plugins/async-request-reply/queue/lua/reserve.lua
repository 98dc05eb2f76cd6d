-- Takes a place in a queue, and room for the request's body, before anything is stored, so that the caps are exact under
-- concurrent submits, and says where in the queue the job stands: callers take turns.
-- KEYS[1] places: sorted set, member job ID, score when the place falls free by itself (ms)
-- KEYS[2] turns: hash of `now` (turn of the job that started last), `base` and `max` (highest turn given)
-- KEYS[3] the caller's last turn   KEYS[4] the caller's unsettled jobs: sorted set like the places
-- KEYS[5] the queue's hold
-- ARGV[1] job ID   ARGV[2] most places   ARGV[3] how long an unconfirmed place is held (ms)
-- ARGV[4] most unsettled jobs of the caller, 0 for no limit   ARGV[5] life of a job (ms)
-- ARGV[6] bytes of the request's body, '' where they are counted already   ARGV[7] most bytes of the queue, 0 for no limit
-- Returns {'reserved', rank, time (ms), for how long (ms) the queue is held, 0 for not}, {'caller-full'}, {'full', jobs that settled in the last minute}, or
-- {'bytes-full', ms until some bytes go by themselves}.
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local waiting = redis.call('ZCARD', KEYS[1])
-- Several submits under one idempotency key make one job: it has its place already.
local has_place = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not has_place and waiting >= tonumber(ARGV[2]) then
  return full(KEYS[1], now)
end
local per_caller = tonumber(ARGV[4])
if per_caller > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
  if not redis.call('ZSCORE', KEYS[4], ARGV[1]) and redis.call('ZCARD', KEYS[4]) >= per_caller then
    return { 'caller-full' }
  end
end
if ARGV[6] ~= '' then
  local refusal = reserve_bytes(KEYS[1], now, ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[7]), now + tonumber(ARGV[3]), true)
  if refusal then
    return refusal
  end
end
if per_caller > 0 then
  redis.call('ZADD', KEYS[4], 'NX', now + tonumber(ARGV[3]), ARGV[1])
  redis.call('PEXPIRE', KEYS[4], ARGV[5])
end
local ranks = redis.call('HMGET', KEYS[2], 'current', 'base', 'max')
local current, base, highest = tonumber(ranks[1] or 0), tonumber(ranks[2] or 0), tonumber(ranks[3] or 0)
if waiting == 0 then
  -- Nobody waits: everybody starts even.
  current, base = highest, highest
  redis.call('HSET', KEYS[2], 'current', current, 'base', base)
end
local rank = math.max(current, tonumber(redis.call('GET', KEYS[3]) or 0)) + 1
redis.call('SET', KEYS[3], rank, 'PX', ARGV[5])
redis.call('HSET', KEYS[2], 'max', math.max(highest, rank))
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[1], 'NX', now + tonumber(ARGV[3]), ARGV[1])
-- The last place of all may be that of a submit that was killed: nobody comes to remove it.
redis.call('PEXPIRE', KEYS[1], ARGV[5], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[5], 'GT')
return { 'reserved', tostring(rank - base), tostring(now), tostring(math.max(redis.call('PTTL', KEYS[5]), 0)) }
