#!lua flags=allow-oom
-- Cancels a job: at once if it waits, through its worker if it runs.
-- KEYS[1] record   KEYS[2] request   KEYS[3] callback   KEYS[4] settled channel
-- ARGV[1] how long (ms) to leave a tombstone if there is no record yet, so that a late write of a submit that is rolled
--         back writes nothing; 0 leaves none
-- ARGV[2] '1' if a submit with an idempotency key is rolled back. A repeat of the request may have been answered with the job;
--         once the job has begun, the next repeat will be. The job is then kept.
-- Returns {'settled-now', 'cancelled', owner, …}, {'cancelling'}, {'already-settled', state}, {'kept'} or {'missing'}.
local job = { record = KEYS[1], request = KEYS[2], callback = KEYS[3], settled = KEYS[4] }
local tombstone_ms, has_claim = tonumber(ARGV[1]), ARGV[2] == '1'
local state, acknowledged, version = unpack(redis.call('HMGET', job.record, 'state', 'acknowledged', 'v'))
if not state then
  if tombstone_ms > 0 then
    write_tombstone(job.record, tombstone_ms)
    redis.call('UNLINK', job.request)
  end
  return { 'missing' }
end
if has_claim and tonumber(version) > 0 then
  if acknowledged == '1' or state ~= 'queued' then
    return { 'kept' }
  end
  redis.call('HSET', job.record, 'rolled_back', '1')
end
if is_settled(state) then
  return { 'already-settled', state }
end
if state == 'running' then
  redis.call('HSET', job.record, 'cancel', '1')
  return { 'cancelling' }
end
local reply = settle(job, now_ms(), state, 'cancel', false, nil)
if tombstone_ms > 0 then
  -- The submit is rolled back: its client was not told of a job.
  redis.call('UNLINK', job.callback)
end
return reply
