#!lua flags=allow-oom
-- Consumes the loopback token of a request that a worker sends through Kong again: once, before it expires, while its attempt runs.
-- KEYS[1] record   KEYS[2] loopback: exists once the token has been consumed
-- ARGV[1] attempt
-- ARGV[2] when the token expires (ms)
-- ARGV[3] longest life of a token (ms)
-- Returns 'consumed', or why the token is refused: 'stale', 'not-running' or 'used'.
local record, loopback, attempt, expires_at, max_life_ms = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local left = expires_at - now_ms()
if left <= 0 or left > max_life_ms then
  return 'stale'
end
local state, attempts = unpack(redis.call('HMGET', record, 'state', 'attempts'))
if state ~= 'running' or attempts ~= attempt then
  return 'not-running'
end
if not redis.call('SET', loopback, '1', 'NX', 'PX', left) then
  return 'used'
end
return 'consumed'
