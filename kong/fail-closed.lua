-- Answers 503, unless async-request-reply has handed the request to its own listener, or has
-- recognized it as one that its own worker sends through Kong again.
if kong.ctx.shared.async_request_reply == "loopback" then return end
local target, service = ngx.ctx.balancer_data, kong.router.get_service()
if target and service and target.host == "127.0.0.1"
  and (target.host ~= service.host or target.port ~= service.port) then
  return
end
return kong.response.exit(503, {
  type = "about:blank", title = "Service Unavailable", status = 503,
  detail = "The plugin server cannot be reached. Nothing was accepted.",
}, { ["Content-Type"] = "application/problem+json", ["Retry-After"] = "1" })
