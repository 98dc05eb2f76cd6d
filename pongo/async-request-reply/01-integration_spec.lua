-- The plugin in a real Kong, as a client sees it. Run by Pongo (docs/installation.md, "Pongo"), or by any busted that
-- has Kong's spec helpers. It needs Node.js, a built plugin and the Redis of KONG_SPEC_TEST_REDIS_HOST.
local helpers = require "spec.helpers"
local cjson = require "cjson"

local PLUGIN_NAME = "async-request-reply"
local ID_HEADER = "X-Async-Kong-Id"
local BODY = "caf\195\169 \0\1\2\255 end"


-- ARR_HOME is where pongo-setup.sh built the plugin; without it, the repository that this file is in.
local function plugin_home()
  local home = os.getenv("ARR_HOME")
  return home or debug.getinfo(1, "S").source:match("^@(.*)/pongo/[^/]+/[^/]+$")
end


-- The fail-closed guard of every route, as a JSON string, which is YAML too.
local function fail_closed_lua()
  local file = assert(io.open(plugin_home() .. "/kong/fail-closed.lua"))
  local text = file:read("*a")
  file:close()
  return (cjson.encode(text):gsub("\\/", "/"))
end


local function node_path()
  local pipe = assert(io.popen("command -v node"))
  local path = pipe:read("*l")
  pipe:close()
  return assert(path, "node is not on the PATH")
end


-- A job ID of this moment: an old one is not unknown but gone, and 410.
local function fresh_id()
  local hex = string.format("%012x", ngx.now() * 1000)
  return hex:sub(1, 8) .. "-" .. hex:sub(9) .. "-774b-bcce-b302099a8057"
end


-- An upstream of the same nginx: /held answers when /release was asked for, and counts its calls.
local function upstream_fixture(port)
  return {
    http_mock = {
      upstream = [[
        server {
          listen 127.0.0.1:]] .. port .. [[;

          location = /held {
            content_by_lua_block {
              local state = ngx.shared.kong
              state:incr("arr_spec:calls", 1, 0)
              ngx.req.read_body()
              local request_body = ngx.req.get_body_data() or ""
              while not state:get("arr_spec:released") do
                ngx.sleep(0.02)
              end
              ngx.status = 201
              ngx.header["Content-Type"] = "application/octet-stream"
              ngx.header["Location"] = "/things/1"
              ngx.header["Set-Cookie"] = { "a=1; Path=/", "b=2; Path=/" }
              ngx.header["X-Upstream-Id"] = ngx.req.get_headers()["X-Async-Kong-Id"]
              ngx.header["X-Upstream-Method"] = ngx.req.get_method()
              ngx.header["X-Upstream-Query"] = ngx.var.args
              ngx.header["Content-Length"] = #request_body
              ngx.print(request_body)
            }
          }

          location = /release {
            content_by_lua_block {
              ngx.shared.kong:set("arr_spec:released", ngx.var.arg_now == "yes")
              ngx.print("ok")
            }
          }

          location = /calls {
            content_by_lua_block {
              ngx.print(ngx.shared.kong:get("arr_spec:calls") or 0)
            }
          }
        }
      ]],
    },
  }
end


local function declarative_config(upstream_port)
  return helpers.make_yaml_file(string.format([[
    _format_version: "3.0"
    services:
      - name: upstream
        url: http://127.0.0.1:%d
        routes:
          - name: async
            paths: [/]
            plugins:
              - name: %s
                config:
                  queue: { name: pongo }
                  redis:
                    host: %s
                    port: %d
                    key_prefix: pongo-%d-%d
              - name: post-function
                config:
                  access: [%s]
  ]], upstream_port, PLUGIN_NAME, helpers.redis_host, helpers.redis_port, ngx.worker.pid(), ngx.now() * 1000,
    fail_closed_lua()))
end


describe(PLUGIN_NAME .. ": (integration) [#off]", function()
  local upstream_port, client

  local function ask_upstream(path)
    local upstream = helpers.http_client("127.0.0.1", upstream_port)
    local body = assert(upstream:get(path)):read_body()
    upstream:close()
    return body
  end

  local function upstream_calls()
    return tonumber(ask_upstream("/calls"))
  end

  -- The body has to be read before the connection is used again.
  local function whole(res, err)
    assert(res, err)
    return { status = res.status, headers = res.headers, body = res:read_body() }
  end

  local function submit()
    return whole(client:post("/held?x=1&y=%2F", {
      headers = { ["Content-Type"] = "application/octet-stream" },
      body = BODY,
    }))
  end

  local function poll(id)
    return whole(client:get("/held", { headers = { [ID_HEADER] = id } }))
  end

  local function poll_until_settled(id)
    local res
    helpers.wait_until(function()
      res = poll(id)
      return res.status ~= 202
    end, 10, 0.05)
    return res
  end

  lazy_setup(function()
    local home, node = plugin_home(), node_path()
    local server = home .. "/dist/kong/plugin-server.js"
    upstream_port = helpers.get_available_port()

    assert(helpers.start_kong({
      database = "off",
      declarative_config = declarative_config(upstream_port),
      nginx_conf = "spec/fixtures/custom_nginx.template",
      plugins = "bundled," .. PLUGIN_NAME,
      nginx_http_include = home .. "/kong/nginx/async-request-reply.conf",
      pluginserver_names = PLUGIN_NAME,
      pluginserver_async_request_reply_start_cmd =
        node .. " " .. server .. " -p " .. helpers.test_conf.prefix,
      pluginserver_async_request_reply_query_cmd = node .. " " .. server .. " --dump-all-plugins",
    }, nil, nil, upstream_fixture(upstream_port)))

    -- Kong is ready before the plugin server; until then, the fail-closed guard answers.
    helpers.wait_until(function()
      local probe = helpers.proxy_client()
      local res = assert(probe:get("/held", { headers = { [ID_HEADER] = fresh_id() } }))
      probe:close()
      return res.status == 404
    end, 20, 0.1)
  end)

  lazy_teardown(function()
    helpers.stop_kong()
  end)

  before_each(function()
    client = helpers.proxy_client()
    ask_upstream("/release?now=no")
  end)

  after_each(function()
    ask_upstream("/release?now=yes")
    client:close()
  end)

  it("answers 202 with the job ID while the upstream is still at work", function()
    local calls = upstream_calls()
    local res = submit()

    assert.equal(202, res.status)
    assert.matches("^%x+%-%x+%-7%x+%-%x+%-%x+$", res.headers[ID_HEADER])
    assert.equal(res.headers[ID_HEADER], cjson.decode(res.body).id)
    assert.is_not_nil(res.headers["Retry-After"])
    -- Kong itself called nobody.
    assert.is_nil(res.headers["X-Kong-Upstream-Latency"])
    helpers.wait_until(function()
      return upstream_calls() == calls + 1
    end, 10, 0.05)
  end)

  it("answers polls with 202 while the job is pending", function()
    local id = submit().headers[ID_HEADER]

    for _ = 1, 3 do
      local res = poll(id)
      local status = cjson.decode(res.body)
      assert.equal(202, res.status)
      assert.equal(id, res.headers[ID_HEADER])
      assert.equal(id, status.id)
      assert.is_true(status.state == "queued" or status.state == "running")
    end
  end)

  it("switches to the upstream's status, header fields and body once there is a response", function()
    local calls = upstream_calls()
    local id = submit().headers[ID_HEADER]
    assert.equal(202, poll(id).status)
    ask_upstream("/release?now=yes")
    local replay = poll_until_settled(id)

    assert.equal(201, replay.status)
    assert.equal(BODY, replay.body)
    assert.equal("application/octet-stream", replay.headers["Content-Type"])
    assert.equal("/things/1", replay.headers["Location"])
    assert.same({ "a=1; Path=/", "b=2; Path=/" }, replay.headers["Set-Cookie"])
    assert.equal(id, replay.headers[ID_HEADER])
    assert.equal(id, replay.headers["X-Upstream-Id"])
    assert.equal("POST", replay.headers["X-Upstream-Method"])
    assert.equal("x=1&y=%2F", replay.headers["X-Upstream-Query"])
    assert.equal(calls + 1, upstream_calls())
  end)

  it("replays the response as often as it is asked for", function()
    local calls = upstream_calls()
    local id = submit().headers[ID_HEADER]
    ask_upstream("/release?now=yes")
    poll_until_settled(id)

    for _ = 1, 3 do
      local replay = poll(id)
      assert.equal(201, replay.status)
      assert.equal(BODY, replay.body)
    end
    assert.equal(calls + 1, upstream_calls())
  end)

  it("answers 404 to a job ID that it does not know, and the upstream is not asked", function()
    local calls = upstream_calls()
    local res = poll(fresh_id())

    assert.equal(404, res.status)
    assert.equal("application/problem+json", res.headers["Content-Type"])
    assert.equal(404, cjson.decode(res.body).status)
    assert.equal(404, poll("not-an-id").status)
    assert.equal(calls, upstream_calls())
  end)
end)
