-- Writes a part of a payload and its TTL in one step: no crash can leave one without the other.
-- KEYS[1] hash   ARGV[1] TTL (ms)   ARGV[2] '1' for the first part: whatever was there goes   ARGV[3…] field, value, …
-- Returns how many fields the hash has then.
if ARGV[2] == '1' then
  redis.call('UNLINK', KEYS[1])
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1])
