#!lua flags=allow-oom
-- Removes a settled job with its request and all its responses; an open one is left as it is.
-- KEYS[1] record
-- ARGV[1] record version that is understood
-- Returns {'purged', queue, owner}, {'open', state}, {'newer'} or {'missing'} (a tombstone is none).
local key = KEYS[1]
local r = redis.call('HMGET', key, 'v', 'state', 'queue', 'owner', 'run', 'max_attempts')
if not r[2] or tonumber(r[1]) == 0 then
  return { 'missing' }
end
if tonumber(r[1]) > tonumber(ARGV[1]) then
  return { 'newer' }
end
if not is_settled(r[2]) then
  return { 'open', r[2] }
end
for run = 1, tonumber(r[5] or 1) do
  for attempt = 1, tonumber(r[6] or 1) do
    redis.call('UNLINK', sibling(key, 'res:' .. run .. '.' .. attempt))
  end
end
redis.call('UNLINK', sibling(key, 'req'), sibling(key, 'callback'), key)
return { 'purged', r[3], r[4] or '' }
