#!lua flags=allow-oom
-- Ends the hold of a queue; without one the limiter is left alone, since it then counts starts.
-- KEYS[1] the hold   KEYS[2] BullMQ's limiter of the queue   ARGV[1] the reason of the hold that may be ended, '' for any
-- Returns 1 where a hold was ended, else 0.
local reason = redis.call('GET', KEYS[1])
if not reason or (ARGV[1] ~= '' and reason ~= ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[2])
return 1
