#!/bin/bash
# Starts moto, somebody else's imitation of the STS and IAM APIs, on loopback. It stores policies and enforces none, so the
# suite uses it for the shape of the IAM calls only. Prints shell assignments; everything else goes to stderr.
#
#   eval "$(test/third-party/moto-up.sh)"; …; test/third-party/moto-down.sh "$STINT_MOTO_DIR"
#
# STINT_MOTO_VENV: a folder to keep the Python environment in between runs; default a temporary one.
set -euo pipefail

MOTO='moto[server]==5.2.5'
DIR=$(mktemp -d "${TMPDIR:-/tmp}/stint-moto.XXXXXX")
DOWN=$(dirname "${BASH_SOURCE[0]}")/moto-down.sh
trap 'echo "moto did not come up" >&2; tail -n 20 "$DIR/moto.log" >&2 || true; bash "$DOWN" "$DIR" >&2' ERR
VENV=${STINT_MOTO_VENV:-$DIR/venv}

if [ ! -x "$VENV/bin/moto_server" ]; then
  { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet --disable-pip-version-check "$MOTO"; } >&2
fi

PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$VENV/bin/moto_server" -H 127.0.0.1 -p "$PORT" >"$DIR/moto.log" 2>&1 </dev/null &
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
