-- What became of the job that an idempotency key names, asked by a repeat of its request.
-- KEYS[1] record
-- ARGV[1] '1' where the repeat will answer with the job: from then on nobody takes it back
-- ARGV[2] how long (ms) to leave a tombstone where the job never came to be; 0 leaves none
-- Returns one of
--   {'job', field, value, …}  the record's fields
--   {'gone'}                  there was a record, and its time is over
--   {'not-created'}           there was none; with ARGV[2] there will be none
--   {'rolled-back'}           its submit was answered 503, and taken back
local r = redis.call('HMGET', KEYS[1], 'v', 'rolled_back')
if not r[1] then
  if redis.call('EXISTS', sibling(KEYS[1], 'created')) == 1 then
    return { 'gone' }
  end
  if tonumber(ARGV[2]) > 0 then
    redis.call('HSET', KEYS[1], 'v', 0, 'state', 'cancelled', 'queue', '')
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return { 'not-created' }
end
if tonumber(r[1]) == 0 or r[2] == '1' then
  return { 'rolled-back' }
end
if ARGV[1] == '1' then
  redis.call('HSET', KEYS[1], 'acknowledged', '1')
end
local reply = { 'job' }
for _, item in ipairs(redis.call('HGETALL', KEYS[1])) do
  reply[#reply + 1] = item
end
return reply
