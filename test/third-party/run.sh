#!/bin/bash
# Brings up everything that is not ours, runs the third-party suites on it (arguments go to vitest), takes it down again.
# Installs what is missing: Debian packages where it is root, Python packages in .cache/. Ends with the exit code of vitest.
#
# What can be neither found nor installed it names, and fails; with STINT_THIRD_PARTY=optional it only names it, but not in
# CI (CI=true), where a proof that nobody ran is no proof.
set -uo pipefail
# Each job gets a process group of its own, so that all that a job started can be ended with it.
set -m

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.." || exit 1
RUN=$(mktemp -d "${TMPDIR:-/tmp}/stint-third-party.XXXXXX")
RADOSGW='' MOTO='' CHAINS='' MINIO='' VITEST=''

take_down() {
  trap '' INT TERM HUP
  local job dir
  [ -n "$VITEST" ] && kill -TERM -- "-$VITEST" 2>/dev/null && wait "$VITEST"
  for dir in "$RUN"/stint-radosgw.*; do [ -d "$dir" ] && bash "$HERE/radosgw-down.sh" "$dir"; done
  for dir in "$RUN"/stint-moto.*; do [ -d "$dir" ] && bash "$HERE/moto-down.sh" "$dir"; done
  for job in $RADOSGW $MOTO $CHAINS $MINIO; do kill -TERM -- "-$job" 2>/dev/null; done
  rm -rf "$RUN"
}
trap take_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

give_up() {
  if [ "${STINT_THIRD_PARTY:-}" = optional ] && [ "${CI:-}" != true ]; then
    echo 'The third-party suites did not run.' >&2
    exit 0
  fi
  echo 'The third-party suites cannot run; STINT_THIRD_PARTY=optional lets that pass outside CI.' >&2
  exit 1
}

# came_up NAME JOB: waits for it, and takes over the settings that it printed.
came_up() {
  wait "$2"
  local code=$?
  if [ "$code" != 0 ]; then
    cat "$RUN/$1.log" >&2
    # Without them one suite is skipped, with a sentence.
    [ "$code" = 69 ] && [ "$1" = openapi ] && [ "${CI:-}" != true ] && return
    [ "$code" = 69 ] && give_up
    echo "$1 did not come up" >&2
    exit 1
  fi
  # shellcheck disable=SC1090
  . "$RUN/$1.env"
}

# By one apt; the two after it find their packages.
bash "$HERE/debian-packages.sh" radosgw python clock || give_up
TMPDIR=$RUN bash "$HERE/radosgw-up.sh" >"$RUN/radosgw.env" 2>"$RUN/radosgw.log" </dev/null &
RADOSGW=$!
TMPDIR=$RUN bash "$HERE/moto-up.sh" >"$RUN/moto.env" 2>"$RUN/moto.log" </dev/null &
MOTO=$!
bash "$HERE/openapi-tools.sh" >"$RUN/openapi.env" 2>"$RUN/openapi.log" </dev/null &
OPENAPI=$!
bash "$HERE/sdk-chains.sh" >"$RUN/chains.env" 2>"$RUN/chains.log" </dev/null &
CHAINS=$!
bash "$HERE/minio-policy.sh" >"$RUN/minio.env" 2>"$RUN/minio.log" </dev/null &
MINIO=$!
came_up moto "$MOTO"
came_up radosgw "$RADOSGW"
came_up openapi "$OPENAPI"
came_up chains "$CHAINS"
came_up minio "$MINIO"
cat "$RUN/chains.log" "$RUN/minio.log" >&2
eval "$(bash "$HERE/python-env.sh")"
STINT_FAKETIME_LIBRARY=$(bash "$HERE/find-faketime.sh") || give_up
export STINT_FAKETIME_LIBRARY

node_modules/.bin/node node_modules/vitest/vitest.mjs run --config test/third-party/vitest.config.ts "$@" </dev/null &
VITEST=$!
wait "$VITEST"
CODE=$?
VITEST=''
exit "$CODE"
