#!/bin/sh
# Shows a mesh of machines on this one. Options are passed to demo/demo.ts; --help lists them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
if [ "$(id -u)" -ne 0 ]; then
  echo "the demo needs root: it makes machines out of network namespaces" >&2
  exit 1
fi
sh scripts/packages.sh nft=nftables ip=iproute2 python3=python3 tcpdump=tcpdump setpriv=util-linux
sh scripts/setup.sh
exec node_modules/.bin/node demo/demo.ts "$@"
