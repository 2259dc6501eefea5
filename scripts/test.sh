#!/bin/sh
# Everything that proves Lateen: the checks, then the tests that drive the real Envoy.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
if [ "$(id -u)" -eq 0 ]; then
  sh scripts/packages.sh nft=nftables ip=iproute2 python3=python3 git=git systemctl=systemd systemd-nspawn=systemd-container ps=procps
fi
sh scripts/check.sh
echo "10,000 damaged inputs for each reader" >&2
node_modules/.bin/node --test --test-concurrency="$(nproc)" --test-reporter=spec 'test/property/**/*.test.ts'
echo "tests with the real Envoy" >&2
# One file after the other: each brings up machines of its own. The longest takes two minutes; one that hangs must fail.
node_modules/.bin/node --test --test-concurrency=1 --test-timeout=600000 --test-reporter=spec 'test/e2e/**/*.test.ts'
