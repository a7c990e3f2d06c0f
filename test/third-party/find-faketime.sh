#!/bin/bash
# Prints the path of libfaketime for programs with threads; exits with 1 where it is not installed.
set -uo pipefail

for file in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1; do
  [ -e "$file" ] && echo "$file" && exit 0
done
echo 'libfaketime is not installed' >&2
exit 1
