#!/usr/bin/env bash
# Pongo sources this script in Kong's container, in the folder where the repository is mounted, before it runs the specs. It
# installs Node.js, unless the image has it with npm, and builds the plugin outside of the mount: the host's node_modules
# may be for another system.

# The specs run a DB-less Kong. Without this setting, Kong's helpers require PostgreSQL.
export KONG_TEST_DATABASE=off

export ARR_HOME=/tmp/async-request-reply

arr_install_node() (
  set -euo pipefail
  case $(uname -m) in
    aarch64 | arm64) arch=arm64 ;;
    *) arch=x64 ;;
  esac
  base=https://nodejs.org/dist/latest-v24.x
  cd "$(mktemp -d)"
  curl --fail --silent --show-error --location --remote-name "$base/SHASUMS256.txt"
  sum=$(grep -E "  node-v[0-9.]+-linux-$arch\.tar\.gz$" SHASUMS256.txt)
  archive=${sum##* }
  curl --fail --silent --show-error --location --remote-name "$base/$archive"
  echo "$sum" | sha256sum --check --quiet
  tar --extract --gzip --file "$archive" --directory /usr/local --strip-components 1 --no-same-owner
)

arr_build() (
  set -euo pipefail
  rm -rf "$ARR_HOME"
  mkdir -p "$ARR_HOME"
  tar --create --exclude=./node_modules --exclude=./dist --exclude=./.git --exclude=./servroot . |
    tar --extract --directory "$ARR_HOME" --no-same-owner
  cd "$ARR_HOME"
  npm ci --no-audit --no-fund
  npm run build
)

if ! command -v npm >/dev/null; then
  arr_install_node || { echo "Node.js could not be installed" >&2; exit 1; }
fi
if ! arr_build >/tmp/async-request-reply-build.log 2>&1; then
  cat /tmp/async-request-reply-build.log >&2
  exit 1
fi
