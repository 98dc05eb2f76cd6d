#!lua flags=allow-oom
-- Forgets a job that has settled or never was, counts it for the rate at which the queue drains, notes a dead letter,
-- and counts the bytes that are left of the job.
-- KEYS[1] places   KEYS[2] open jobs   KEYS[3] the caller's unsettled jobs   KEYS[4] dead letters
-- ARGV[1] job ID   ARGV[2] '1' for a dead letter   ARGV[3] when its record goes (ms since 1970)
-- ARGV[4] bytes of its bodies that stay as long as its record, '' to count them as before
-- The run that this departure speaks of has been redriven since: the job is open again.
if redis.call('EXISTS', sibling_of_slots(KEYS[1], 'redriven:' .. ARGV[1] .. ':' .. ARGV[3])) == 1 then
  return
end
local now = now_ms()
redis.call('ZREM', KEYS[1], ARGV[1])
-- Whoever is to be told of it is told now.
redis.call('ZADD', sibling_of_slots(KEYS[1], 'callbacks'), 'XX', now, ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
  local key = settled_key(KEYS[1], now)
  redis.call('INCR', key)
  redis.call('PEXPIRE', key, 80000)
end
-- A result that was read once before this came is not counted: its entry has gone.
local size = tonumber(ARGV[4])
if size then
  local before, total = bytes_of(KEYS[1], ARGV[1])
  if before and size == 0 then
    drop_bytes(KEYS[1], { ARGV[1] }, before)
  elseif before then
    put_bytes(KEYS[1], now, ARGV[1], size, tonumber(ARGV[3]), before, total)
  end
end
if ARGV[2] == '1' then
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
  redis.call('ZADD', KEYS[4], ARGV[3], ARGV[1])
  local last = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[4], math.ceil(tonumber(last[2])))
end
