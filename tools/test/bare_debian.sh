#!/bin/sh
# Proves the README: in a bare Debian 12 root with git, make and ca-certificates alone, each command given (default: `make run` and
# `make test`) works on a clean clone of this checkout's HEAD as the only command typed. Prints the time each took. As root; needs debootstrap.
#
# Usage: bare_debian.sh FOLDER [make target]…   FOLDER keeps the base system between calls; each target gets a fresh copy.
set -eu
folder=$1
shift
[ $# -gt 0 ] || set -- run test
repository=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder"

if [ ! -e "$folder/base/.ready" ]; then
  [ -e "$folder/base/bin/sh" ] || debootstrap bookworm "$folder/base" http://deb.debian.org/debian
  cp /etc/resolv.conf "$folder/base/etc/resolv.conf"
  chroot "$folder/base" apt-get update -q
  chroot "$folder/base" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q git make ca-certificates
  touch "$folder/base/.ready"
fi

leave() {
  for mounted in proc sys dev/pts dev/shm dev; do
    if mountpoint -q "$folder/try/$mounted"; then umount -l "$folder/try/$mounted"; fi
  done
}
trap leave EXIT

for target in "$@"; do
  leave
  rm -rf "$folder/try"
  cp -a "$folder/base" "$folder/try"
  mkdir -p "$folder/try/dev/shm" "$folder/try/dev/pts"
  mount -t proc proc "$folder/try/proc"
  mount -t sysfs sys "$folder/try/sys"
  mount --bind /dev "$folder/try/dev"
  mount --bind /dev/pts "$folder/try/dev/pts"
  git clone -q "$repository" "$folder/try/root/telltale"
  start=$(date +%s)
  if chroot "$folder/try" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
      make -C /root/telltale "$target" >"$folder/$target.log" 2>&1; then
    result=passed
  else
    result="FAILED (see $folder/$target.log)"
  fi
  echo "bare Debian 12: make $target: $result in $(($(date +%s) - start)) s"
done
