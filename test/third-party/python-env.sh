#!/bin/bash
# Prints a shell assignment of the folder of a Python environment with the packages of requirements.txt, which it makes when
# there is none: boto3 and the AWS CLI as clients of ours, moto as a server. It is kept in .cache/ of the checkout, and made
# anew when the requirements or the checkout's place change. Exits with 69 and a sentence where it cannot be made.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VENV=$(cd "$HERE/../.." && pwd)/.cache/third-party-python
WANTED="$VENV $(sha256sum <"$HERE/requirements.txt")"

if [ "$(cat "$VENV/made-for" 2>/dev/null)" != "$WANTED" ] || ! "$VENV/bin/python" -c 'import boto3, moto' 2>/dev/null; then
  bash "$HERE/debian-packages.sh" python
  PYTHON=$(bash "$HERE/find-python.sh")
  rm -rf "$VENV"
  mkdir -p "$(dirname "$VENV")"
  echo 'making a Python environment with the packages of test/third-party/requirements.txt' >&2
  install() {
    "$PYTHON" -m venv "$VENV" &&
      timeout 300 "$VENV/bin/pip" install --quiet --no-compile -r "$HERE/requirements.txt"
  }
  if ! install >&2; then
    echo 'The third-party suites need the Python packages of test/third-party/requirements.txt; pip did not install them.' >&2
    exit 69
  fi
  echo "$WANTED" >"$VENV/made-for"
fi
echo "export STINT_PYTHON_ENV=$VENV"
