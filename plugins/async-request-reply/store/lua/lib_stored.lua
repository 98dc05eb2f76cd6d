-- Prepended to every script after lib.lua: the bytes of the bodies that are stored for the jobs of a queue.
--   `…:stored`  sorted set of job IDs, score = when the bytes of a job go by themselves (ms)
--   `…:bytes`   hash of how many they are by job ID, and of their `total`
-- Both are in the queue's slot, change in one step, and live as long as the last entry: the total is always what the
-- entries come to. They are found by the places' key.

-- As many entries as are forgotten in one go.
local LAPSE_BATCH = 500

local function stored_keys(places_key)
  return sibling_of_places(places_key, 'stored'), sibling_of_places(places_key, 'bytes')
end

-- The bytes that are counted for a job, or nil where none are: 0 is an entry too.
local function bytes_of(places_key, id)
  local _, bytes = stored_keys(places_key)
  local size = redis.call('HGET', bytes, id)
  return size and tonumber(size)
end

local function put_bytes(places_key, now, id, size, expires_at)
  local stored, bytes = stored_keys(places_key)
  redis.call('HINCRBY', bytes, 'total', size - (bytes_of(places_key, id) or 0))
  redis.call('HSET', bytes, id, size)
  redis.call('ZADD', stored, expires_at, id)
  if redis.call('PTTL', stored) < expires_at - now then
    redis.call('PEXPIREAT', stored, expires_at)
    redis.call('PEXPIREAT', bytes, expires_at)
  end
end

local function drop_bytes(places_key, id)
  local size = bytes_of(places_key, id)
  if not size then
    return
  end
  local stored, bytes = stored_keys(places_key)
  redis.call('ZREM', stored, id)
  if redis.call('EXISTS', stored) == 0 then
    redis.call('UNLINK', bytes)
    return
  end
  redis.call('HDEL', bytes, id)
  redis.call('HINCRBY', bytes, 'total', -size)
end

-- Forgets what has gone by itself, at most a batch. Returns how many entries that were.
local function lapse_bytes(places_key, now)
  local stored, bytes = stored_keys(places_key)
  local ids = redis.call('ZRANGEBYSCORE', stored, '-inf', now, 'LIMIT', 0, LAPSE_BATCH)
  if #ids == 0 then
    return 0
  end
  local gone = 0
  for _, size in ipairs(redis.call('HMGET', bytes, unpack(ids))) do
    gone = gone + tonumber(size or 0)
  end
  redis.call('ZREM', stored, unpack(ids))
  if redis.call('EXISTS', stored) == 0 then
    redis.call('UNLINK', bytes)
  else
    redis.call('HDEL', bytes, unpack(ids))
    redis.call('HINCRBY', bytes, 'total', -gone)
  end
  return #ids
end

-- Whether so many bytes more are within the most that a queue may have, 0 for no limit. Where it has that many already
-- nothing is, not even no bytes: a job without a request's body will have a response's.
local function has_room(places_key, now, more, most)
  local _, bytes = stored_keys(places_key)
  while most > 0 do
    local total = tonumber(redis.call('HGET', bytes, 'total') or 0)
    if total < most and total + more <= most then
      return true
    end
    if lapse_bytes(places_key, now) == 0 then
      return false
    end
  end
  return true
end

-- The refusal where there is no room, with the time (ms) until some bytes go by themselves.
local function bytes_full(places_key, now)
  local stored = stored_keys(places_key)
  local first = redis.call('ZRANGE', stored, 0, 0, 'WITHSCORES')
  return { 'bytes-full', tostring(first[2] and math.ceil(tonumber(first[2])) - now or 0) }
end
