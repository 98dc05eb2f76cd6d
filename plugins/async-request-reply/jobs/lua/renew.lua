#!lua flags=allow-oom
-- Renews the lease of a running attempt.
-- KEYS[1] record
-- ARGV[1] token of the attempt   ARGV[2] lease (ms)
-- Returns 1 if the lease was renewed, 2 if it was renewed and the job is to be cancelled, 0 if another attempt has it.
local record, token, lease_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local state, lease_token, cancel = unpack(redis.call('HMGET', record, 'state', 'token', 'cancel'))
if state ~= 'running' or lease_token ~= token then
  return 0
end
redis.call('HSET', record, 'lease_until', now_ms() + lease_ms)
return cancel == '1' and 2 or 1
