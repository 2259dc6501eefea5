#!/bin/sh
# Installs the Debian packages that the demo and the tests need, where they are missing and this is root.
# Usage: scripts/packages.sh COMMAND=PACKAGE ...
set -eu
missing=
for pair in "$@"; do
  command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "these packages are needed and cannot be installed here:$missing" >&2
  exit 1
fi
echo "installing Debian packages:$missing" >&2
apt-get update -qq >&2
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
