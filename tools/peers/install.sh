#!/bin/sh
# Fetches the programs that benchmarks compare with, as Debian packages of pinned versions, and unpacks them outside this folder and
# outside the system: rsyslog and syslog-ng cannot both be installed, and neither shall start as a service. Idempotent.
# TELLTALE_PEERS: where (default ~/.cache/telltale/peers). What cannot be had is said; benchmarks then go on without it.
set -eu
peers=${TELLTALE_PEERS:-${HOME:-/root}/.cache/telltale/peers}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$peers/packages" "$peers/root"
updated=
while read -r package version; do
  case $package in ''|'#'*) continue ;; esac
  [ ! -e "$peers/packages/$package.done" ] || [ "$(cat "$peers/packages/$package.done")" != "$version" ] || continue
  if [ -z "$updated" ] && [ "$(id -u)" = 0 ]; then apt-get update -q >/dev/null; updated=yes; fi
  if ! (cd "$peers/packages" && apt-get -q download "$package=$version" >/dev/null 2>&1); then
    found=$(apt-cache policy "$package" | sed -n 's/ *Candidate: //p')
    echo "peers: $package $version is no longer there; taking $found" >&2
    (cd "$peers/packages" && apt-get -q download "$package" >/dev/null) || { echo "peers: $package cannot be had" >&2; continue; }
  fi
  dpkg -x "$peers/packages/${package}"_*.deb "$peers/root"
  echo "$version" >"$peers/packages/$package.done"
  echo "peers: $package $version"
done <"$here/debian.txt"
