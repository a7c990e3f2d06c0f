#!/usr/bin/env bash
# Prints the path of a Python that has kubernetes-validate (PyPI, with the Kubernetes schemas inside), made under .cache/.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^kubernetes-validate==//p' "$here/requirements.txt")
folder="$here/../../.cache/kubernetes-validate-$version"
if [[ ! -x "$folder/bin/python" ]] || ! "$folder/bin/python" -c 'import kubernetes_validate' 2>/dev/null; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
fi
echo "$folder/bin/python"
