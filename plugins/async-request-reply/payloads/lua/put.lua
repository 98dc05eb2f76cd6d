-- Writes a part of a payload and the TTL in one step: a crash cannot leave one without the other.
-- KEYS[1] payload: hash of `head` and chunks
-- ARGV[1] TTL (ms)
-- ARGV[2] '1' for the first part, which replaces what is stored; 'once' for a whole payload, which does not replace a complete one;
--         '' for another part
-- ARGV[3…] field, value, …
-- Returns the number of fields that the hash has then.
local payload, ttl_ms, mode = KEYS[1], ARGV[1], ARGV[2]
if mode == '1' then
  redis.call('UNLINK', payload)
end
if mode ~= 'once' or redis.call('HEXISTS', payload, 'head') == 0 then
  redis.call('HSET', payload, unpack(ARGV, 3))
end
redis.call('PEXPIRE', payload, ttl_ms)
return redis.call('HLEN', payload)
