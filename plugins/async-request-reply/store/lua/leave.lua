#!lua flags=allow-oom
-- Forgets a job that has settled or never was, and counts it for the rate at which the queue drains.
-- KEYS[1] places   KEYS[2] open jobs   KEYS[3] the caller's unsettled jobs   ARGV[1] job ID
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
  local key = settled_key(KEYS[1], now_ms())
  redis.call('INCR', key)
  redis.call('PEXPIRE', key, 80000)
end
