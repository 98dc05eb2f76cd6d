#!lua flags=allow-oom
-- Pauses a queue: until the pause ends none of its jobs starts on any machine. A longer pause that is in force stays as it is.
-- KEYS[1] pause: string with the reason, which expires when the pause ends   KEYS[2] BullMQ's limiter of the queue
-- ARGV[1] how long (ms)   ARGV[2] reason

-- BullMQ starts nothing while the count is at the limit. No limit is higher than this one: Number.MAX_SAFE_INTEGER.
local LIMIT_REACHED = '9007199254740991'

local pause, limiter, ms, reason = KEYS[1], KEYS[2], tonumber(ARGV[1]), ARGV[2]
if redis.call('PTTL', pause) >= ms then
  return
end
redis.call('SET', pause, reason, 'PX', ms)
redis.call('SET', limiter, LIMIT_REACHED, 'PX', ms)
