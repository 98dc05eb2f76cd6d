-- Claims an idempotency key for a job that is about to be made, or says who has it.
-- KEYS[1] claim: hash of `id`, `request` (fingerprint), `at` and `until` (ms)
-- ARGV[1] job ID   ARGV[2] fingerprint of the request   ARGV[3] how long the key is kept at least (ms)
-- ARGV[4] how long its job may be known (ms)   ARGV[5] ID of a job that has lost its claim, or ''
-- Returns {'acquired'}, or {'claimed', ID, '1' where it is the same request, '1' where the time of the key is over, age (ms)}.
-- The key outlives the job that it names: whether a lapsed claim still holds is for the job's record to say.
local now = now_ms()
local r = redis.call('HMGET', KEYS[1], 'id', 'request', 'at', 'until')
local life = math.max(tonumber(ARGV[3]), tonumber(ARGV[4]))
if r[1] and r[1] ~= ARGV[5] then
  redis.call('PEXPIRE', KEYS[1], life, 'GT')
  if r[1] == ARGV[1] then
    return { 'acquired' }
  end
  return { 'claimed', r[1], r[2] == ARGV[2] and '1' or '', now >= tonumber(r[4]) and '1' or '', tostring(now - tonumber(r[3])) }
end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'request', ARGV[2], 'at', now, 'until', now + tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], life)
return { 'acquired' }
