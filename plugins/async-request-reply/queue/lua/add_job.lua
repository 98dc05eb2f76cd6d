-- Notes an accepted job in its queue: its place is kept and it is open, both until its deadline, and its request counts
-- among the bytes that are stored.
-- KEYS[1] places   KEYS[2] open jobs   KEYS[3] the caller's unsettled jobs
-- KEYS[4] jobs whose settling is to be told: sorted set, score = when somebody looks (ms)
-- ARGV[1] job ID   ARGV[2] time to the deadline (ms)   ARGV[3] life of the job (ms)
-- ARGV[4] '1' where its settling is to be told: remove_job.lua brings the look forward   ARGV[5] bytes of the request's body
local now = now_ms()
redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZADD', KEYS[3], 'XX', now + tonumber(ARGV[3]), ARGV[1])
put_bytes(KEYS[1], now, ARGV[1], tonumber(ARGV[5]), now + tonumber(ARGV[3]), bytes_of(KEYS[1], ARGV[1]))
if ARGV[4] == '1' then
  redis.call('ZADD', KEYS[4], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('PEXPIRE', KEYS[4], tonumber(ARGV[3]) + 93600000, 'GT')
  redis.call('PEXPIRE', KEYS[4], tonumber(ARGV[3]) + 93600000, 'NX')
end
