#!/bin/bash
# Installs the Debian packages of programs that are missing: debian-packages.sh [radosgw] [python] [clock]
# Bounded in time; waits for another apt to finish. Exits with 69 and a sentence where it cannot install.
set -uo pipefail

HERE=$(dirname "${BASH_SOURCE[0]}")
PROGRAMS=()
PACKAGES=()

# need PROGRAM PACKAGE
need() {
  command -v "$1" >/dev/null && return
  missing "$@"
}
missing() {
  PROGRAMS+=("$1")
  case " ${PACKAGES[*]-} " in *" $2 "*) ;; *) PACKAGES+=("$2") ;; esac
}
cannot() {
  echo "The third-party suites need ${PROGRAMS[*]}, and $1; install the packages ${PACKAGES[*]}." >&2
  exit 69
}
# apt waits by itself for the lock of dpkg, not for that of its lists.
apt() {
  local try
  for try in 1 2 3 4 5 6; do
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2 && return 0
    [ "$try" = 6 ] || sleep 10
  done
  return 1
}

need curl curl
need python3 python3
for group in "$@"; do
  case $group in
  radosgw)
    need ceph ceph-common
    need radosgw-admin ceph-common
    need monmaptool ceph-base
    need ceph-mon ceph-mon
    need ceph-mgr ceph-mgr
    need ceph-osd ceph-osd
    need radosgw radosgw
    ;;
  clock) bash "$HERE/find-faketime.sh" >/dev/null || missing libfaketime libfaketime ;;
  python) bash "$HERE/find-python.sh" >/dev/null || missing 'a python3 of 3.10 or later with venv' python3-venv ;;
  esac
done
[ "${#PACKAGES[@]}" = 0 ] && exit 0

command -v apt-get >/dev/null || cannot 'there is no apt-get here'
[ "$(id -u)" = 0 ] || cannot 'only root may install packages'
echo "installing ${PACKAGES[*]}" >&2
apt update || cannot 'apt-get update failed'
apt install -y --no-install-recommends "${PACKAGES[@]}" || cannot 'apt-get install failed'
