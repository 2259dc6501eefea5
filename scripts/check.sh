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
# Most of a small test file's time is compiling what it imports, and Node can keep that: one entry per module.
NODE_COMPILE_CACHE=$root/node_modules/.cache/compile
export NODE_COMPILE_CACHE
# By default Node leaves one processor free, which halves the speed of a machine with two.
$node --test --test-concurrency="$(nproc)" --test-reporter=spec 'src/**/*.test.ts' 'scripts/**/*.test.ts' 'test/unit/**/*.test.ts'
