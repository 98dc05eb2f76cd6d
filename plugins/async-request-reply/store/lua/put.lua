-- Writes a payload and its TTL in one step: no crash can leave one without the other.
-- KEYS[1] hash   ARGV[1] TTL (ms)   ARGV[2…] field, value, …
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
