-- Looks up the job that an idempotency key names, for a repeat of its request.
-- KEYS[1] record   KEYS[2] created: marks that the job was created
-- ARGV[1] '1' if the repeat will be answered with the job: from then on the submit of the job is not rolled back
-- ARGV[2] how long (ms) to leave a tombstone if the job was never created; 0 leaves none
-- Returns one of
--   {'job', field, value, …}  the fields of the record
--   {'gone'}                  there was a record, and it has expired
--   {'not-created'}           there was none; with ARGV[2] there will be none
--   {'rolled-back'}           its submit was answered with 503 and rolled back
local record, created = KEYS[1], KEYS[2]
local acknowledges, tombstone_ms = ARGV[1] == '1', tonumber(ARGV[2])
local version, rolled_back = unpack(redis.call('HMGET', record, 'v', 'rolled_back'))
if not version then
  if redis.call('EXISTS', created) == 1 then
    return { 'gone' }
  end
  if tombstone_ms > 0 then
    write_tombstone(record, tombstone_ms)
  end
  return { 'not-created' }
end
if tonumber(version) == 0 or rolled_back == '1' then
  return { 'rolled-back' }
end
if acknowledges then
  redis.call('HSET', record, 'acknowledged', '1')
end
return append_record({ 'job' }, record)
