#!/bin/bash
# Ends what radosgw-up.sh started, by the process ids that it wrote down, and removes its folder.
set -uo pipefail

DIR=${1:?the folder that radosgw-up.sh printed as STINT_RADOSGW_DIR}
case "$(basename "$DIR")" in
stint-radosgw.*) ;;
*)
  echo "$DIR is not a folder of radosgw-up.sh" >&2
  exit 2
  ;;
esac

PIDS=()
for file in "$DIR"/run/*.pid; do
  [ -s "$file" ] && PIDS+=("$(cat "$file")")
done
for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
for _ in $(seq 50); do
  ALIVE=0
  for pid in "${PIDS[@]}"; do kill -0 "$pid" 2>/dev/null && ALIVE=1; done
  [ "$ALIVE" = 0 ] && break
  sleep 0.1
done
for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null; done
rm -rf "$DIR"
