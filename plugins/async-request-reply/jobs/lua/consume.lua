#!lua flags=allow-oom
-- Takes the one read of a result that can be read once, and removes the response. Only one caller gets 1.
-- KEYS[1] record   KEYS[2] response
-- ARGV[1] result (RUN.ATTEMPT)
-- ARGV[2] how long (ms) at most to keep the response until it has been sent, 0 to remove it now
-- Returns 1, or 0 if the result was read before or is no longer the result of the job.
local record, response = KEYS[1], KEYS[2]
local state, result, read_at = unpack(redis.call('HMGET', record, 'state', 'result', 'read_at'))
if state ~= 'completed' or result ~= ARGV[1] or (read_at and read_at ~= '') then
  return 0
end
redis.call('HSET', record, 'read_at', now_ms())
if tonumber(ARGV[2]) > 0 then
  redis.call('PEXPIRE', response, ARGV[2], 'LT')
else
  redis.call('UNLINK', response)
end
return 1
