#!/bin/sh
# Installs the Debian packages of packages.txt (and of the lists given as arguments) that are missing. Idempotent; as root or with
# sudo. Does nothing, and needs no network, when all are there.
set -eu
here=$(dirname "$0")
missing=
for list in "$here/packages.txt" "$@"; do
  for package in $(sed 's/#.*//' "$list"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian system; install by hand:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing:$missing" >&2; exit 1; }
  as_root=sudo
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086  # a list of words
$as_root apt-get install -q -y --no-install-recommends $missing
