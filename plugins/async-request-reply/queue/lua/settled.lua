-- Library of the scripts that count the jobs of a queue that settle, in buckets of ten seconds.

local BUCKET_MS = 10000
-- A refusal looks at so many buckets: the last minute and the bucket that is not yet over.
local BUCKETS = 7

local function bucket_of(at)
  return math.floor(at / BUCKET_MS)
end

-- The counter of a bucket: a string with a TTL.
--
-- This is the one key of a queue that scripts derive. Its name contains the time of Redis, which the caller does not know: it
-- would need another round trip, and the bucket could be over by then.
-- Redis does not check undeclared keys. On a Redis Cluster the key has to be in the slot of the declared keys: it has the
-- hash tag of the slots' key. For Dragonfly see response_key in jobs/lua/record.lua.
local function settled_key(slots, bucket)
  return string.sub(slots, 1, -#':slots' - 1) .. ':settled:' .. bucket
end

local function count_settled(slots, now)
  local key = settled_key(slots, bucket_of(now))
  redis.call('INCR', key)
  redis.call('PEXPIRE', key, (BUCKETS + 1) * BUCKET_MS)
end

-- The jobs that have settled since the beginning of the bucket.
local function settled_since(slots, first_bucket, now)
  local settled = 0
  for bucket = first_bucket, bucket_of(now) do
    settled = settled + tonumber(redis.call('GET', settled_key(slots, bucket)) or 0)
  end
  return settled
end

-- The refusal of a queue that has no free slot: {'full', jobs that settled in the last minute}
local function full(slots, now)
  return { 'full', tostring(settled_since(slots, bucket_of(now) - BUCKETS + 1, now)) }
end

