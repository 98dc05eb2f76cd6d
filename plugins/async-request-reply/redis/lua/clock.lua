-- The clock of Redis, in milliseconds since 1970. All times that scripts write or compare are times of this clock.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

