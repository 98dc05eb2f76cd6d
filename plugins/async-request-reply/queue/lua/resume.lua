#!lua flags=allow-oom
-- Ends the pause of a queue. Without a pause the limiter counts starts and stays as it is.
-- KEYS[1] pause   KEYS[2] BullMQ's limiter of the queue
-- ARGV[1] ends only a pause for this reason, '' for any
-- Returns 1 if a pause was ended, else 0.
local pause, limiter, wanted = KEYS[1], KEYS[2], ARGV[1]
local reason = redis.call('GET', pause)
if not reason or (wanted ~= '' and reason ~= wanted) then
  return 0
end
redis.call('DEL', pause, limiter)
return 1
