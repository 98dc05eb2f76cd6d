#!lua flags=allow-oom
-- Renews the lease of a running attempt.
-- KEYS[1] record   ARGV[1] token of the attempt   ARGV[2] lease (ms)
-- Returns 1 when renewed, 2 when renewed and the job is to be cancelled, 0 when the lease is another's.
local r = redis.call('HMGET', KEYS[1], 'state', 'token', 'cancel')
if r[1] ~= 'running' or r[2] ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'lease_until', now_ms() + tonumber(ARGV[2]))
return r[3] == '1' and 2 or 1
