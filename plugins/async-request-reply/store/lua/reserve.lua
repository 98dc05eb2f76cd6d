-- Takes a place in a queue before anything is stored, so that the cap is exact under concurrent submits.
-- KEYS[1] sorted set of the places: member job ID, score when the place falls free by itself (ms)
-- ARGV[1] job ID   ARGV[2] most places   ARGV[3] how long an unconfirmed place is held (ms)
-- Returns 1 when the place is taken, 0 when the queue is full.
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1
