#!/bin/sh
# Format, lint, cycles, walls, types and unit tests.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
sh scripts/setup.sh
node=node_modules/.bin/node
echo "format, lint, cycles" >&2
node_modules/.bin/biome check --error-on-warnings .
echo "walls" >&2
$node scripts/walls.ts --check
echo "types" >&2
node_modules/.bin/tsc -b
echo "unit tests" >&2
$node --test --test-reporter=spec 'src/**/*.test.ts' 'scripts/**/*.test.ts' 'test/unit/**/*.test.ts' 'test/property/**/*.test.ts'
