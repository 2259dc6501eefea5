#!/bin/sh
# Measures what the control plane's xDS costs. Options are passed on; --help lists them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
if [ "$(id -u)" -eq 0 ]; then
  sh scripts/packages.sh python3=python3
fi
sh scripts/setup.sh
# A descriptor for each of thousands of proxies, on both sides.
ulimit -n "$(ulimit -Hn)"
exec node_modules/.bin/node test/bench/xds/main.ts "$@"
