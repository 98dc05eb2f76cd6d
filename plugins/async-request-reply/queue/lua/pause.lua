#!lua flags=allow-oom
-- Holds a queue back: until the hold is over none of its jobs starts anywhere. It never shortens another hold.
-- KEYS[1] the hold: a string, its reason, that lives as long as it   KEYS[2] BullMQ's limiter of the queue
-- ARGV[1] how long (ms)   ARGV[2] reason
local ms = tonumber(ARGV[1])
if redis.call('PTTL', KEYS[1]) >= ms then
  return
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ms)
-- BullMQ starts nothing while the count is at the limit, whatever the limit is (Number.MAX_SAFE_INTEGER).
redis.call('SET', KEYS[2], '9007199254740991', 'PX', ms)
