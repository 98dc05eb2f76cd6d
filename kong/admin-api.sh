#!/bin/sh
# A service, a route, the plugin and its fail-closed companion through the Admin API of a Kong with a database.
#   kong/admin-api.sh [ADMIN_URL]
# It may be run again: it then brings the same entities to the same state. From the environment: UPSTREAM_URL,
# REDIS_HOST, REDIS_PORT as Kong's machine sees them, and CURL_OPTIONS, for a token of the Admin API (`-H …`).
set -eu

ADMIN_URL=${1:-http://127.0.0.1:8001}
UPSTREAM_URL=${UPSTREAM_URL:-http://127.0.0.1:8080}
REDIS_HOST=${REDIS_HOST:-127.0.0.1}
REDIS_PORT=${REDIS_PORT:-6379}
FAIL_CLOSED=$(dirname "$0")/fail-closed.lua

# An empty function would let everything pass.
if [ ! -s "$FAIL_CLOSED" ]; then
  echo "$FAIL_CLOSED is missing" >&2
  exit 1
fi

# send METHOD PATH < JSON: ends the script with Kong's own words where Kong refuses.
send() {
  # CURL_OPTIONS is a list of words.
  # shellcheck disable=SC2086
  if answer=$(curl --silent --show-error --fail-with-body ${CURL_OPTIONS:-} \
    --request "$1" --header 'Content-Type: application/json' --data-binary @- "$ADMIN_URL$2"); then
    echo "$1 $2"
  else
    echo "$1 $2: $answer" >&2
    exit 1
  fi
}

# A new service is made disabled and enabled at the end: no request is to reach the upstream by a route that has no
# plugin yet. One that is there keeps its traffic.
# shellcheck disable=SC2086
if ! curl --silent --fail --output /dev/null ${CURL_OPTIONS:-} "$ADMIN_URL/services/reports"; then
  send PUT /services/reports <<EOF
{ "url": "$UPSTREAM_URL", "enabled": false }
EOF
fi

send PUT /services/reports/routes/reports <<EOF
{ "paths": ["/reports"], "strip_path": false, "protocols": ["http", "https"] }
EOF

# The companion first: from here on nothing passes. Its Lua as a JSON string: nothing in it but quotes, backslashes and
# line ends needs an escape.
lua=$(sed -e 's/[\\"]/\\&/g' -e 's/$/\\n/' "$FAIL_CLOSED" | tr -d '\n')
send PUT /routes/reports/plugins/reports-fail-closed <<EOF
{
  "name": "post-function",
  "config": { "access": ["$lua"] }
}
EOF

send PUT /routes/reports/plugins/reports-async <<EOF
{
  "name": "async-request-reply",
  "config": {
    "queue": { "name": "reports", "concurrency": 20 },
    "redis": { "host": "$REDIS_HOST", "port": $REDIS_PORT }
  }
}
EOF

send PATCH /services/reports <<EOF
{ "url": "$UPSTREAM_URL", "enabled": true }
EOF
