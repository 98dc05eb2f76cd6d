-- Takes the callbacks of a queue that are due. They are invisible to other workers for a while.
-- KEYS[1] callbacks: sorted set of job IDs, score = when a worker next looks at the callback (ms)
-- ARGV[1] for how long they are invisible (ms)   ARGV[2] most callbacks
-- Returns {now, invisible_until, job ID, …}: the time, and the new score of the callbacks.
local callbacks, invisible_ms, count = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local now = now_ms()
local invisible_until = now + invisible_ms
local ids = redis.call('ZRANGEBYSCORE', callbacks, '-inf', now, 'LIMIT', 0, count)
local reply = { tostring(now), tostring(invisible_until) }
for _, id in ipairs(ids) do
  redis.call('ZADD', callbacks, invisible_until, id)
  reply[#reply + 1] = id
end
return reply
