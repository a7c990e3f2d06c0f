#!/bin/bash
# Prints a Python that can make an environment: Debian's own has the module `venv` only in part until python3-venv is there.
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "$python"
    exit 0
  fi
done
exit 1
