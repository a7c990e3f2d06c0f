#!/bin/bash
# Makes a Python environment with the packages of requirements.txt and the contract's code in it, and prints a shell
# assignment of its folder. It is kept in .cache/ of the checkout, and made anew when the requirements or the checkout's place
# change; the contract's code is made anew each time. Exits with 69 and a sentence where it cannot be made.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
VENV=$ROOT/.cache/interop/python
REQUIREMENTS=$HERE/python/requirements.txt
WANTED="$VENV $(sha256sum <"$REQUIREMENTS")"

cannot() {
  echo "The client in Python needs $1." >&2
  exit 69
}

install() {
  local python
  bash "$ROOT/test/third-party/debian-packages.sh" python || cannot 'a python3 of 3.10 or later with venv'
  python=$(bash "$ROOT/test/third-party/find-python.sh") || cannot 'a python3 of 3.10 or later with venv'
  rm -rf "$VENV"
  mkdir -p "$(dirname "$VENV")"
  "$python" -m venv "$VENV" && timeout 300 "$VENV/bin/pip" install --quiet --no-compile -r "$REQUIREMENTS" ||
    cannot 'the packages of test/interop/python/requirements.txt, and pip did not install them'
  echo "$WANTED" >"$VENV/made-for"
}

if [ "$(cat "$VENV/made-for" 2>/dev/null)" != "$WANTED" ] || ! "$VENV/bin/python" -c 'import grpc, spiffe' 2>/dev/null; then
  install >&2
fi
rm -rf "$VENV/contract"
mkdir "$VENV/contract"
"$VENV/bin/python" -m grpc_tools.protoc -I "$ROOT/proto" --python_out="$VENV/contract" --grpc_python_out="$VENV/contract" \
  stint/v1/broker.proto >&2
echo "export STINT_INTEROP_PYTHON=$VENV"
