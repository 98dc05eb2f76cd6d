#!lua flags=allow-oom
-- Spends the marker of a request that a worker sends through Kong again: once, in its time, while its attempt runs.
-- KEYS[1] record   KEYS[2] the marker's own key
-- ARGV[1] attempt   ARGV[2] when the marker is over (ms)   ARGV[3] the longest life of a marker (ms)
-- Returns 'consumed', or why it is no good: 'stale', 'not-running', 'used'
local left = tonumber(ARGV[2]) - now_ms()
if left <= 0 or left > tonumber(ARGV[3]) then
  return 'stale'
end
local r = redis.call('HMGET', KEYS[1], 'state', 'attempts')
if r[1] ~= 'running' or r[2] ~= ARGV[1] then
  return 'not-running'
end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', left) then
  return 'used'
end
return 'consumed'
