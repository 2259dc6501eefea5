#!/bin/sh
# Makes gen/ where it is missing or older than what it is made from. Usage: scripts/gen.sh [ROOT]
set -eu
root=${1:-$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)}
sum=$(cd "$root" && find proto scripts/gen -type f | LC_ALL=C sort | xargs cat ARCHITECTURE.md | cksum)
stamp=$root/gen/.stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then
  exit 0
fi
mkdir -p "$root/gen" 2>/dev/null || true
if [ ! -w "$root/gen" ]; then
  echo "lateen: $root/gen must be made anew, and this user may not; run $root/bin/lateen version as the owner once" >&2
  exit 1
fi
"$root/node_modules/.bin/node" "$root/scripts/gen/gen.ts" >&2
"$root/node_modules/.bin/node" "$root/scripts/walls.ts" >&2
printf '%s' "$sum" >"$stamp"
