#!/bin/bash
# Builds the clients in other languages and runs their suites (arguments go to vitest). Ends with the exit code of vitest.
#
# Where a client cannot be built for want of its language its suite is skipped with a sentence, but in CI (CI=true) that fails,
# since a proof that nobody ran is no proof.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.." || exit 1
RUN=$(mktemp -d "${TMPDIR:-/tmp}/stint-interop.XXXXXX")
trap 'rm -rf "$RUN"' EXIT

# built NAME JOB: waits for it, and takes over the setting that it printed.
built() {
  wait "$2"
  local code=$?
  cat "$RUN/$1.log" >&2
  if [ "$code" = 0 ]; then
    # shellcheck disable=SC1090
    . "$RUN/$1.env"
  elif [ "$code" != 69 ] || [ "${CI:-}" = true ]; then
    echo "the client $1 could not be built" >&2
    exit 1
  fi
}

bash "$HERE/python-client.sh" >"$RUN/python.env" 2>"$RUN/python.log" </dev/null &
PYTHON=$!
bash "$HERE/go-client.sh" >"$RUN/go.env" 2>"$RUN/go.log" </dev/null &
GO=$!
bash "$HERE/grpcurl.sh" >"$RUN/grpcurl.env" 2>"$RUN/grpcurl.log" </dev/null &
GRPCURL=$!
built python "$PYTHON"
built go "$GO"
built grpcurl "$GRPCURL"

node_modules/.bin/node node_modules/vitest/vitest.mjs run --config test/interop/vitest.config.ts "$@" </dev/null
