#!/bin/bash
# Installs what other people read our OpenAPI document with, and prints shell assignments of the two folders: Node's
# (redocly, spectral, openapi-typescript) and the Python environment (schemathesis, openapi-python-client). They are kept in
# .cache/ of the checkout, and made anew when their versions or the checkout's place change. Exits with 69 and a sentence
# where they cannot be had.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(cd "$HERE/../.." && pwd)/.cache
TOOLS=$HERE/openapi

cannot() {
  echo "The suite of the OpenAPI document needs $1." >&2
  exit 69
}

# fresh FOLDER FILE: true if the folder was made for this very file
fresh() {
  [ "$(cat "$1/made-for" 2>/dev/null)" = "$1 $(sha256sum <"$2")" ]
}
made() {
  echo "$1 $(sha256sum <"$2")" >"$1/made-for"
}

NODE_TOOLS=$CACHE/openapi-node
if ! fresh "$NODE_TOOLS" "$TOOLS/package-lock.json"; then
  echo 'installing the npm packages of test/third-party/openapi' >&2
  rm -rf "$NODE_TOOLS"
  mkdir -p "$NODE_TOOLS"
  cp "$TOOLS/package.json" "$TOOLS/package-lock.json" "$NODE_TOOLS"
  (cd "$NODE_TOOLS" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --silent >&2) ||
    cannot 'the npm packages of test/third-party/openapi/package.json, and npm did not install them'
  made "$NODE_TOOLS" "$TOOLS/package-lock.json"
fi

PYTHON_TOOLS=$CACHE/openapi-python
if ! fresh "$PYTHON_TOOLS" "$TOOLS/requirements.txt"; then
  bash "$HERE/debian-packages.sh" python
  PYTHON=$(bash "$HERE/find-python.sh") || cannot 'Python 3.10 or newer'
  echo 'making a Python environment with the packages of test/third-party/openapi/requirements.txt' >&2
  rm -rf "$PYTHON_TOOLS"
  "$PYTHON" -m venv "$PYTHON_TOOLS" >&2 &&
    timeout 300 "$PYTHON_TOOLS/bin/pip" install --quiet --no-compile -r "$TOOLS/requirements.txt" >&2 ||
    cannot 'the Python packages of test/third-party/openapi/requirements.txt, and pip did not install them'
  made "$PYTHON_TOOLS" "$TOOLS/requirements.txt"
fi

echo "export STINT_OPENAPI_NODE=$NODE_TOOLS/node_modules"
echo "export STINT_OPENAPI_PYTHON=$PYTHON_TOOLS"
