#!/bin/bash
# Ends what moto-up.sh started, by the process id that it wrote down, and removes its folder.
set -uo pipefail

DIR=${1:?the folder that moto-up.sh printed as STINT_MOTO_DIR}
case "$(basename "$DIR")" in
stint-moto.*) ;;
*)
  echo "$DIR is not a folder of moto-up.sh" >&2
  exit 2
  ;;
esac

[ -s "$DIR/moto.pid" ] && kill "$(cat "$DIR/moto.pid")" 2>/dev/null
rm -rf "$DIR"
