#!/bin/sh
# A service, a route, the plugin and its fail-closed guard through the Admin API of a Kong with a database.
#   kong/admin-api.sh [ADMIN_URL]
# You can run it again, also after decK: it brings the same entities to the same state. The environment sets UPSTREAM_URL,
# REDIS_HOST and REDIS_PORT, as Kong's machine sees them, and CURL_OPTIONS, for a token of the Admin API (`-H …`).
set -eu

ADMIN_URL=${1:-http://127.0.0.1:8001}
UPSTREAM_URL=${UPSTREAM_URL:-http://127.0.0.1:8080}
REDIS_HOST=${REDIS_HOST:-127.0.0.1}
REDIS_PORT=${REDIS_PORT:-6379}
# decK finds the entities by these tags, which kong/deck.yaml has too. Without them, it would create duplicates.
TAGS='["async-request-reply"]'
FAIL_CLOSED=$(dirname "$0")/fail-closed.lua

# An empty function would let every request pass.
if [ ! -s "$FAIL_CLOSED" ]; then
  echo "$FAIL_CLOSED is missing" >&2
  exit 1
fi

# send METHOD PATH < JSON: if Kong rejects the request, prints Kong's message and ends the script.
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

# A new service is created disabled, and enabled at the end: no request may reach the upstream through a route that has no
# plugin yet. An existing service keeps its traffic.
# shellcheck disable=SC2086
if ! curl --silent --fail --output /dev/null ${CURL_OPTIONS:-} "$ADMIN_URL/services/reports"; then
  send PUT /services/reports <<EOF
{ "url": "$UPSTREAM_URL", "enabled": false, "tags": $TAGS }
EOF
fi

send PUT /services/reports/routes/reports <<EOF
{ "paths": ["/reports"], "strip_path": false, "protocols": ["http", "https"], "tags": $TAGS }
EOF

# The fail-closed guard comes first: from here on, nothing passes. Its Lua becomes a JSON string; only quotes, backslashes
# and line ends need an escape.
lua=$(sed -e 's/[\\"]/\\&/g' -e 's/$/\\n/' "$FAIL_CLOSED" | tr -d '\n')
send PUT /routes/reports/plugins/reports-fail-closed <<EOF
{
  "name": "post-function",
  "tags": $TAGS,
  "config": { "access": ["$lua"] }
}
EOF

send PUT /routes/reports/plugins/reports-async <<EOF
{
  "name": "async-request-reply",
  "tags": $TAGS,
  "config": {
    "queue": { "name": "reports", "concurrency": 20 },
    "redis": { "host": "$REDIS_HOST", "port": $REDIS_PORT }
  }
}
EOF

send PATCH /services/reports <<EOF
{ "url": "$UPSTREAM_URL", "enabled": true, "tags": $TAGS }
EOF
