#!/bin/sh
# Runs a command beside two busy loops, as on a machine that has other work to do: sh scripts/beside-busy-loops.sh COMMAND [ARGUMENT ...]
set -u
loops=''
trap 'kill $loops' EXIT
trap 'exit 130' INT TERM
for _ in 1 2; do
  while :; do :; done &
  loops="$loops $!"
done
"$@"
