#!/bin/sh
# Brings a fresh clone to where its commands work: npm packages, the pinned Node, generated code.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm packages" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2 || {
    echo "npm ci failed: the packages of package-lock.json cannot be had from the configured registry" >&2
    exit 1
  }
fi
# What the pinned Node needs and a small Debian does not have.
case $(node_modules/.bin/node --version 2>&1 || true) in
  v*) ;;
  *libatomic*) sh scripts/packages.sh "$root/does-not-exist=libatomic1" ;;
esac
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
  echo "the pinned Node does not run here: $(node_modules/.bin/node --version 2>&1 | tail -n 1)" >&2
  echo "it needs Linux on amd64 or arm64 with glibc and libatomic" >&2
  exit 1
fi
sh scripts/gen.sh "$root"
