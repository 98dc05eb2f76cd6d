-- Notes an accepted job in its queue: its place is kept and it is open, both until its deadline.
-- KEYS[1] places   KEYS[2] open jobs
-- ARGV[1] job ID   ARGV[2] time to the deadline (ms)
local at = now_ms() + tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], 'XX', at, ARGV[1])
redis.call('ZADD', KEYS[2], at, ARGV[1])
