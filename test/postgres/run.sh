#!/bin/bash
# Runs the suites of the ledger on PostgreSQL, with servers that they start themselves (arguments go to vitest).
# Installs what is missing where it is root and apt-get is there. Ends with the exit code of vitest.
#
# Where there is no PostgreSQL and it cannot be installed, the suites are skipped with a sentence, but in CI (CI=true) that
# fails, since a proof that nobody ran is no proof.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.." || exit 1

skip() {
  echo "The suites of the ledger on PostgreSQL need its server, pgbouncer and openssl, and $1; install the packages postgresql, pgbouncer and openssl." >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
}
is_there() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && command -v pgbouncer >/dev/null && command -v openssl >/dev/null
}
# Debian starts what it installs, but not in this run level.
apt() {
  local try
  for try in 1 2 3 4 5 6; do
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2 && return 0
    [ "$try" = 6 ] || sleep 10
  done
  return 1
}

if ! is_there; then
  command -v apt-get >/dev/null || skip 'there is no apt-get here'
  [ "$(id -u)" = 0 ] || skip 'only root may install packages'
  apt update || skip 'apt-get update failed'
  apt install -y --no-install-recommends postgresql pgbouncer openssl || skip 'apt-get install failed'
fi

exec node_modules/.bin/node node_modules/vitest/vitest.mjs run --config test/postgres/vitest.config.ts "$@" </dev/null
