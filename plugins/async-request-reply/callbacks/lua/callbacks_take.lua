-- Takes the callbacks of a queue that are due, so that no other worker does for a while.
-- KEYS[1] jobs whose settling is to be told: sorted set, score = when somebody looks (ms)
-- ARGV[1] for how long (ms)   ARGV[2] at most so many
-- Returns {now, hold, job ID, …}: the time, and the score that holds them.
local now = now_ms()
local hold = now + tonumber(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
local reply = { tostring(now), tostring(hold) }
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], hold, id)
  reply[#reply + 1] = id
end
return reply
