#!/bin/bash
# Starts moto, somebody else's imitation of the STS and IAM APIs, on loopback. It stores policies and enforces none, so the
# suites use it for the shape of the calls only. Prints shell assignments; everything else goes to stderr.
#
#   eval "$(test/third-party/moto-up.sh)"; …; test/third-party/moto-down.sh "$STINT_MOTO_DIR"
set -euo pipefail

HERE=$(dirname "${BASH_SOURCE[0]}")
ASSIGNMENT=$(bash "$HERE/python-env.sh")
eval "$ASSIGNMENT"

DIR=$(mktemp -d "${TMPDIR:-/tmp}/stint-moto.XXXXXX")
trap 'echo "moto did not come up" >&2; tail -n 20 "$DIR/moto.log" >&2 || true; bash "$HERE/moto-down.sh" "$DIR" >&2' ERR

PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$STINT_PYTHON_ENV/bin/python" -c 'from moto.server import main; main()' -H 127.0.0.1 -p "$PORT" >"$DIR/moto.log" 2>&1 </dev/null &
echo $! >"$DIR/moto.pid"
for _ in $(seq 120); do
  curl -s -o /dev/null --max-time 2 -f "http://127.0.0.1:$PORT/moto-api/" && break
  sleep 0.5
done
curl -s -o /dev/null --max-time 2 -f "http://127.0.0.1:$PORT/moto-api/"

cat <<ENV
export STINT_MOTO_DIR=$DIR
export STINT_MOTO_ENDPOINT=http://127.0.0.1:$PORT
ENV
