#!/bin/bash
# Builds minio-policy/main.go, which asks MinIO's own policy library, and prints a shell assignment of where it is. The library
# comes by the Go module proxy and stays in .cache/ of the checkout: its licence is the AGPL, and no part of Stint holds it.
# Without Go it is named and left out, but in CI (CI=true) that fails, since a proof that nobody ran is no proof.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(cd "$HERE/../.." && pwd)/.cache/minio-policy
LIBRARY=github.com/minio/pkg/v3@v3.1.3

lacking() {
  echo "Policies for MinIO are not judged by MinIO's library: $1." >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
}

command -v go >/dev/null || lacking 'there is no go on the PATH'
mkdir -p "$CACHE"
cp "$HERE/minio-policy/main.go" "$CACHE/main.go"
[ -f "$CACHE/go.mod" ] || printf 'module minio-policy\n\ngo 1.23\n' >"$CACHE/go.mod"
(cd "$CACHE" && timeout 240 go get "$LIBRARY" >&2 && timeout 240 go mod tidy >&2 &&
  timeout 240 go build -buildvcs=false -trimpath -o minio-policy . >&2) || lacking 'it could not be built'
echo "export STINT_MINIO_POLICY=$CACHE/minio-policy"
