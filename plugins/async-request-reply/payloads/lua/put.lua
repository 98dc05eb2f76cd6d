-- Writes a part of a payload and its TTL in one step: no crash can leave one without the other.
-- KEYS[1] hash   ARGV[1] TTL (ms)   ARGV[3…] field, value, …
-- ARGV[2] '1' for the first part: whatever was there goes; 'once' for a whole payload: one that is there stays
-- Returns how many fields the hash has then.
if ARGV[2] == '1' then
  redis.call('UNLINK', KEYS[1])
end
if ARGV[2] ~= 'once' or redis.call('HEXISTS', KEYS[1], 'head') == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 3))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1])
