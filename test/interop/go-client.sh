#!/bin/bash
# Builds the client in Go, by code generated from the contract as it is now, and prints a shell assignment of the program.
# The generators and the program are kept in .cache/ of the checkout, modules where Go keeps them. Exits with 69 and a
# sentence where it cannot be built.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=$ROOT/.cache/interop
GENERATORS=$CACHE/generators
PROTOBUF=v1.36.12
GRPC=v1.6.2

cannot() {
  echo "The client in Go needs $1." >&2
  exit 69
}

# generator PACKAGE VERSION: installed once per version
generator() {
  local program=$GENERATORS/${1##*/}
  [ -x "$program-$2" ] && return
  GOBIN=$GENERATORS timeout 240 go install "$1@$2" || cannot "$1 $2, and go install did not get it"
  ln -f "$program" "$program-$2"
}

command -v go >/dev/null || cannot 'go, which is not on the PATH'
mkdir -p "$GENERATORS"
generator google.golang.org/protobuf/cmd/protoc-gen-go "$PROTOBUF" >&2
generator google.golang.org/grpc/cmd/protoc-gen-go-grpc "$GRPC" >&2
cd "$ROOT"
rm -rf test/interop/go/gen
PATH=$GENERATORS:$PATH node_modules/.bin/buf generate proto --template test/interop/go/buf.gen.yaml >&2

cd "$HERE/go"
timeout 240 go mod download >&2 || cannot 'the modules of test/interop/go/go.mod, and go mod download did not get them'
timeout 300 go build -buildvcs=false -trimpath -o "$CACHE/go-client" . >&2
echo "export STINT_INTEROP_GO=$CACHE/go-client"
