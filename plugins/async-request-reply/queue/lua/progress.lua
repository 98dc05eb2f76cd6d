#!lua flags=no-writes
-- The position of a waiting job in its queue, and how many jobs of the queue have settled since it was created.
-- KEYS[1] slots: settled.lua derives the counters from this name
-- KEYS[2] BullMQ's jobs that may start, by priority
-- KEYS[3] the pause of the queue
-- ARGV[1] job ID   ARGV[2] when the job was created (ms since 1970)
-- Returns {position (1 is next) or '', settled jobs, in how many ms, rest of the pause (ms), 0 without one}.

-- Settled jobs are counted for this long at most.
local WINDOW_MS = 60000

local slots, waiting, pause = KEYS[1], KEYS[2], KEYS[3]
local id, created_at = ARGV[1], tonumber(ARGV[2])
local now = now_ms()
local rank = redis.call('ZRANK', waiting, id)
local first_bucket = bucket_of(math.max(created_at, now - WINDOW_MS))
local settled = settled_since(slots, first_bucket, now)
return { rank and tostring(rank + 1) or '', tostring(settled), tostring(now - first_bucket * BUCKET_MS),
  tostring(math.max(redis.call('PTTL', pause), 0)) }
