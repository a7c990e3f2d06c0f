#!/bin/bash
# Builds grpcurl, which knows a server by reflection alone, and prints a shell assignment of the program. It is kept in .cache/
# of the checkout, modules where Go keeps them. Exits with 69 and a sentence where it cannot be built.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAMS=$(cd "$HERE/../.." && pwd)/.cache/interop/grpcurl
VERSION=v1.9.3

cannot() {
  echo "grpcurl needs $1." >&2
  exit 69
}

command -v go >/dev/null || cannot 'go, which is not on the PATH'
if [ ! -x "$PROGRAMS/grpcurl-$VERSION" ]; then
  mkdir -p "$PROGRAMS"
  GOBIN=$PROGRAMS timeout 400 go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$VERSION" >&2 ||
    cannot "its own modules, and go install did not get them"
  mv "$PROGRAMS/grpcurl" "$PROGRAMS/grpcurl-$VERSION"
fi
echo "export STINT_INTEROP_GRPCURL=$PROGRAMS/grpcurl-$VERSION"
