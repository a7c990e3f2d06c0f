#!/bin/bash
# Builds the programs of sdk-chains/ that ask an AWS SDK who it would act as, and prints shell assignments of where they are:
# Go, versions 1 and 2, by the Go module proxy; JavaScript, version 2, by npm. They are kept in .cache/ of the checkout. A
# language that is not there is named and left out, but in CI (CI=true) that fails, since a proof that nobody ran is no proof.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(cd "$HERE/../.." && pwd)/.cache/sdk-chains
JS_V2=2.1693.0

lacking() {
  echo "The credential chain of $1 is not tried: $2." >&2
  [ "${CI:-}" != true ] || exit 1
}

mkdir -p "$CACHE"
if ! command -v go >/dev/null; then
  lacking 'the AWS SDKs for Go' 'there is no go on the PATH'
elif (cd "$HERE/sdk-chains/go" && timeout 240 go mod download >&2 &&
  timeout 240 go build -buildvcs=false -trimpath -o "$CACHE/" ./go1 ./go2 >&2); then
  echo "export STINT_SDK_GO=$CACHE"
else
  lacking 'the AWS SDKs for Go' 'they could not be built'
fi

if [ "$(cat "$CACHE/js-v2/made-for" 2>/dev/null)" != "$JS_V2" ]; then
  rm -rf "$CACHE/js-v2"
  mkdir -p "$CACHE/js-v2"
  echo '{ "private": true }' >"$CACHE/js-v2/package.json"
  (cd "$CACHE/js-v2" && timeout 240 npm install --silent --no-audit --no-fund --ignore-scripts "aws-sdk@$JS_V2" >&2) &&
    echo "$JS_V2" >"$CACHE/js-v2/made-for"
fi
if [ -f "$CACHE/js-v2/made-for" ]; then
  echo "export STINT_SDK_JS_V2=$CACHE/js-v2/node_modules/aws-sdk"
else
  lacking 'the AWS SDK for JavaScript, version 2' 'npm did not install it'
fi
