#!lua flags=allow-oom
-- Cancels a job: at once while it waits, through its worker while it runs.
-- KEYS[1] record
-- ARGV[1] how long (ms) to leave a tombstone where there is no record yet, so that a late write of an abandoned
--         submit finds it; 0 leaves none
-- Returns {'closed', 'cancelled', owner, …}, {'cancelling'}, {'settled', state} or {'missing'}.
local key = KEYS[1]
local state = redis.call('HGET', key, 'state')
if not state then
  if tonumber(ARGV[1]) > 0 then
    redis.call('HSET', key, 'v', 0, 'state', 'cancelled', 'queue', '')
    redis.call('PEXPIRE', key, ARGV[1])
    redis.call('UNLINK', sibling(key, 'req'))
  end
  return { 'missing' }
end
if is_settled(state) then
  return { 'settled', state }
end
if state == 'running' then
  redis.call('HSET', key, 'cancel', '1')
  return { 'cancelling' }
end
return settle(key, now_ms(), state, 'cancel', false, nil)
