-- Claims an idempotency key for a job that is about to be created, or returns which job has it.
-- KEYS[1] claim: hash of `id`, `request` (fingerprint), `at` and `until` (ms)
-- ARGV[1] job ID
-- ARGV[2] fingerprint of the request
-- ARGV[3] how long the key is kept at least (ms)
-- ARGV[4] longest life of the job (ms)
-- ARGV[5] ID of a job that has lost its claim, or ''
-- Returns {'acquired'}, or {'claimed', ID, '1' if it is the same request, '1' if the key has expired, age (ms)}.
-- The claim outlives the job that it names: whether an expired key still holds depends on the job's record.
local claim, id, fingerprint, lost_id = KEYS[1], ARGV[1], ARGV[2], ARGV[5]
local ttl_ms = tonumber(ARGV[3])
local life_ms = math.max(ttl_ms, tonumber(ARGV[4]))
local now = now_ms()
local holder, request, claimed_at, kept_until = unpack(redis.call('HMGET', claim, 'id', 'request', 'at', 'until'))
if holder and holder ~= lost_id then
  redis.call('PEXPIRE', claim, life_ms, 'GT')
  if holder == id then
    return { 'acquired' }
  end
  local is_same_request = request == fingerprint and '1' or ''
  local is_expired = now >= tonumber(kept_until) and '1' or ''
  return { 'claimed', holder, is_same_request, is_expired, tostring(now - tonumber(claimed_at)) }
end
redis.call('HSET', claim, 'id', id, 'request', fingerprint, 'at', now, 'until', now + ttl_ms)
redis.call('PEXPIRE', claim, life_ms)
return { 'acquired' }
