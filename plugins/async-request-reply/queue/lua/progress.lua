#!lua flags=no-writes
-- Where a waiting job stands in its queue, and how fast the queue has moved since the job came.
-- KEYS[1] places   KEYS[2] BullMQ's jobs that may start, by priority   KEYS[3] the queue's hold
-- ARGV[1] job ID   ARGV[2] when the job was created (ms since 1970)
-- Returns position (1 is next) or '', jobs that settled since, in how many ms, and for how long (ms) the queue is held, 0 for not.
local now = now_ms()
local rank = redis.call('ZRANK', KEYS[2], ARGV[1])
local first = math.floor(math.max(tonumber(ARGV[2]), now - 60000) / 10000)
local settled = 0
for bucket = first, math.floor(now / 10000) do
  settled = settled + tonumber(redis.call('GET', settled_key(KEYS[1], bucket * 10000)) or 0)
end
return { rank and tostring(rank + 1) or '', tostring(settled), tostring(now - first * 10000),
  tostring(math.max(redis.call('PTTL', KEYS[3]), 0)) }
