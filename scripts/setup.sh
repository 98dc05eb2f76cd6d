#!/bin/sh
# Brings what `make demo` and `make test` need: npm packages, and redis-server from Debian's packages. Further packages are
# its argument: the specs need chromium, for what only a browser can show.
# Installs system packages only as root on Debian, or in CI; otherwise says which command is missing.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "$1" >&2
  exit 1
}

command -v node >/dev/null 2>&1 || fail "Node.js 20.20 or later is missing: install it and run this again."
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 20) ? 0 : 1)' ||
  fail "Node.js 20.20 or later is needed; this is $(node --version)."

# Once for each state of the lock file.
stamp=node_modules/.installed-lock
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  echo 'Installs the npm packages of package-lock.json.'
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

# Debian's packages are called like their commands.
missing=''
for command in redis-server ${1:-}; do
  command -v "$command" >/dev/null 2>&1 || missing="$missing $command"
done

if [ -n "$missing" ]; then
  if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ]; }; then
    sudo=''
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "Installs Debian's packages:$missing."
    # Redis' package would start a server of its own; the specs and the demo start theirs.
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 -- a word for each package
    $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
  else
    fail "Missing:$missing. Run: apt-get update && apt-get install -y$missing"
  fi
fi
