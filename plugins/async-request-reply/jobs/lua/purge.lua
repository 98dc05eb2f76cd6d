#!lua flags=allow-oom
-- Removes a settled job with its request and all its responses. An open job stays as it is.
-- KEYS[1] record   KEYS[2] request   KEYS[3] callback
-- ARGV[1] highest record version that the caller understands
-- Returns {'purged', queue, owner}, {'open', state}, {'newer'} or {'missing'} (also for a tombstone).
local record, request, callback = KEYS[1], KEYS[2], KEYS[3]
local version, state, queue, owner, runs, max_attempts =
  unpack(redis.call('HMGET', record, 'v', 'state', 'queue', 'owner', 'run', 'max_attempts'))
if not state or tonumber(version) == 0 then
  return { 'missing' }
end
if tonumber(version) > tonumber(ARGV[1]) then
  return { 'newer' }
end
if not is_settled(state) then
  return { 'open', state }
end
for run = 1, tonumber(runs or 1) do
  for attempt = 1, tonumber(max_attempts or 1) do
    redis.call('UNLINK', response_key(record, run .. '.' .. attempt))
  end
end
redis.call('UNLINK', request, callback, record)
return { 'purged', queue, owner or '' }
