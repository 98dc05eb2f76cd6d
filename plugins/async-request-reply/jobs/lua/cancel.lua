#!lua flags=allow-oom
-- Cancels a job: at once while it waits, through its worker while it runs.
-- KEYS[1] record
-- ARGV[1] how long (ms) to leave a tombstone where there is no record yet, so that a late write of an abandoned
--         submit finds it; 0 leaves none
-- ARGV[2] '1' where a submit with an idempotency key is taken back: a repeat of it may have been told of the job, and
--         once it has begun the next repeat will be
-- Returns {'settled-now', 'cancelled', owner, …}, {'cancelling'}, {'already-settled', state}, {'kept'} or {'missing'}.
local key = KEYS[1]
local r = redis.call('HMGET', key, 'state', 'acknowledged', 'v')
local state = r[1]
if not state then
  if tonumber(ARGV[1]) > 0 then
    redis.call('HSET', key, 'v', 0, 'state', 'cancelled', 'queue', '')
    redis.call('PEXPIRE', key, ARGV[1])
    redis.call('UNLINK', sibling(key, 'req'))
  end
  return { 'missing' }
end
if ARGV[2] == '1' and tonumber(r[3]) > 0 then
  if r[2] == '1' or state ~= 'queued' then
    return { 'kept' }
  end
  redis.call('HSET', key, 'rolled_back', '1')
end
if is_settled(state) then
  return { 'already-settled', state }
end
if state == 'running' then
  redis.call('HSET', key, 'cancel', '1')
  return { 'cancelling' }
end
local reply = settle(key, now_ms(), state, 'cancel', false, nil)
if tonumber(ARGV[1]) > 0 then
  -- Taken back: nobody was told that there is such a job.
  redis.call('UNLINK', sibling(key, 'callback'))
end
return reply
