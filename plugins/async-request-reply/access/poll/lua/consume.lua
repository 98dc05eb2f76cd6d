#!lua flags=allow-oom
-- Takes the one read of a result that may be read once, and drops the response: who is told 1 has it already.
-- KEYS[1] record   ARGV[1] result (RUN.ATTEMPT)   ARGV[2] how long to keep the response for its sender at most (ms), 0 not at all
-- Returns 1, or 0 where it was read before or is not the result any more.
local key = KEYS[1]
local r = redis.call('HMGET', key, 'state', 'result', 'read_at')
if r[1] ~= 'completed' or r[2] ~= ARGV[1] or (r[3] and r[3] ~= '') then
  return 0
end
redis.call('HSET', key, 'read_at', now_ms())
if tonumber(ARGV[2]) > 0 then
  redis.call('PEXPIRE', sibling(key, 'res:' .. ARGV[1]), ARGV[2], 'LT')
else
  redis.call('UNLINK', sibling(key, 'res:' .. ARGV[1]))
end
return 1
