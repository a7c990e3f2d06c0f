#!/usr/bin/env bash
# Prints the path of a helm of the version below: the one on the PATH if it is that, else one built with Go from the
# public module and kept under .cache/.
set -euo pipefail

VERSION=v3.22.0
KUBERNETES_MINOR=37

if command -v helm >/dev/null && [[ "$(helm version --template '{{.Version}}' 2>/dev/null)" == "$VERSION" ]]; then
  command -v helm
  exit 0
fi

root=$(cd "$(dirname "$0")/../.." && pwd)
folder="$root/.cache/helm-$VERSION"
if [[ ! -x "$folder/helm" ]]; then
  command -v go >/dev/null || { echo "helm $VERSION is not on the PATH, and there is no Go to build it with" >&2; exit 1; }
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  # As helm's own releases are linked: the Kubernetes that it takes for granted is that of its libraries.
  flags="-X helm.sh/helm/v3/internal/version.version=$VERSION"
  for package in chartutil lint/rules; do
    flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$KUBERNETES_MINOR"
  done
  (cd "$scratch" && GOBIN="$scratch" go install -ldflags "$flags" "helm.sh/helm/v3/cmd/helm@$VERSION" >&2)
  mkdir -p "$folder"
  # Moved within the folder, so that a second run of this script never sees half a file.
  cp "$scratch/helm" "$folder/helm.$$"
  mv "$folder/helm.$$" "$folder/helm"
fi
echo "$folder/helm"
