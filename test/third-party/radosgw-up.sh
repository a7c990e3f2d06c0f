#!/bin/bash
# Starts a one-node Ceph radosgw on loopback: somebody else's STS, IAM and S3, which enforces session policies and inline
# role policies. All data is in memory. Prints shell assignments for the suite; everything else goes to stderr.
#
#   eval "$(test/third-party/radosgw-up.sh)"; …; test/third-party/radosgw-down.sh "$STINT_RADOSGW_DIR"
#
# Needs Debian packages, which it installs when they are missing and it is root.
set -euo pipefail

HERE=$(dirname "${BASH_SOURCE[0]}")
bash "$HERE/debian-packages.sh" radosgw

DIR=$(mktemp -d "${TMPDIR:-/tmp}/stint-radosgw.XXXXXX")
trap 'echo "radosgw did not come up; logs:" >&2; tail -n 20 "$DIR"/log/*.log >&2 || true; bash "$HERE/radosgw-down.sh" "$DIR" >&2' ERR
mkdir -p "$DIR"/{mon,mgr,osd,run,log}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
uuid() { cat /proc/sys/kernel/random/uuid; }
MON_PORT=$(free_port)
S3_PORT=$(free_port)
FSID=$(uuid)
CONF="$DIR/ceph.conf"

cat >"$CONF" <<CONF
[global]
fsid = $FSID
mon host = [v1:127.0.0.1:$MON_PORT]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
osd class update on start = false
osd crush update on start = false
osd objectstore = memstore
memstore device bytes = 1073741824
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 1
mgr initial modules =
log file = $DIR/log/\$name.log
admin socket = $DIR/run/\$name.asok
run dir = $DIR/run
[mon.a]
mon data = $DIR/mon
mon addr = [v1:127.0.0.1:$MON_PORT]
[mgr.x]
mgr data = $DIR/mgr
[osd.0]
osd data = $DIR/osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$S3_PORT
rgw sts key = $(uuid | tr -d - | head -c 16)
rgw s3 auth use sts = true
rgw enable apis = s3, iam, sts, admin
CONF

# In the foreground of a job of ours: its id is known at once, so that nothing is left behind however far this gets.
start() {
  local name=$1
  shift
  "$@" -f >"$DIR/log/$name.out.log" 2>&1 </dev/null &
  echo $! >"$DIR/run/$name.pid"
}
# A monitor that has just come up answers now and then with EPERM; each of these commands may be given again.
ceph_() {
  for _ in $(seq 10); do
    timeout 60 ceph -c "$CONF" "$@" && return 0
    sleep 1
  done
  return 1
}
admin() { timeout 60 radosgw-admin -c "$CONF" "$@" >/dev/null 2>>"$DIR/log/admin.log"; }

{
  monmaptool --create --addv a "[v1:127.0.0.1:$MON_PORT]" --fsid "$FSID" "$DIR/monmap"
  ceph-mon -c "$CONF" --mkfs -i a --monmap "$DIR/monmap" --mon-data "$DIR/mon"
  start mon ceph-mon -c "$CONF" -i a --mon-data "$DIR/mon"
  for _ in $(seq 60); do
    timeout 10 ceph -c "$CONF" -s >/dev/null 2>&1 && break
    sleep 0.5
  done
  start mgr ceph-mgr -c "$CONF" -i x --mgr-data "$DIR/mgr"
  OSD=$(uuid)
  ceph_ osd new "$OSD"
  ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$OSD" --osd-data "$DIR/osd" --osd-objectstore memstore
  ceph_ osd crush add osd.0 1.0 root=default host=localhost
  start osd ceph-osd -c "$CONF" -i 0 --osd-data "$DIR/osd"
  start rgw radosgw -c "$CONF" -n client.rgw --log-file "$DIR/log/rgw.log"
  for _ in $(seq 120); do
    curl -s -o /dev/null --max-time 2 -f "http://127.0.0.1:$S3_PORT/" && break
    sleep 0.5
  done
  curl -s -o /dev/null --max-time 2 -f "http://127.0.0.1:$S3_PORT/"
} >&2

# The tester keeps roles and data; the broker is the one principal that the role trusts.
TESTER_SECRET=$(uuid)
BROKER_SECRET=$(uuid)
admin user create --uid=TESTER --display-name=Tester --access-key=TESTER --secret-key="$TESTER_SECRET"
admin caps add --uid=TESTER --caps='roles=*;user-policy=*'
admin user create --uid=BROKER --display-name=Broker --access-key=BROKER --secret-key="$BROKER_SECRET"
# Tenants are radosgw's accounts: each has roles, buckets and a keeper of its own.
TENANT_SECRET=$(uuid)
for TENANT in 111111111111 222222222222; do
  admin user create --tenant="$TENANT" --uid=KEEPER --display-name=Keeper --access-key="KEEPER$TENANT" --secret-key="$TENANT_SECRET"
  admin caps add --tenant="$TENANT" --uid=KEEPER --caps='roles=*'
done

cat <<ENV
export STINT_RADOSGW_DIR=$DIR
export STINT_RADOSGW_ENDPOINT=http://127.0.0.1:$S3_PORT
export STINT_RADOSGW_TESTER_SECRET=$TESTER_SECRET
export STINT_RADOSGW_BROKER_SECRET=$BROKER_SECRET
export STINT_RADOSGW_TENANT_SECRET=$TENANT_SECRET
ENV
