#!/bin/sh
# Runs in a guest: records sends that are delivered, dropped and refused, and hands the recording (zstd), the live
# summary, the sum of all that was told live and the devices' counters over as a tar archive on standard output.
# Argument: how many are delivered.
set -eu
cd /tmp
ip link add veth0 type veth peer name veth1
ip link add vfull0 type veth peer name vfull1
ip link add vdead0 type veth peer name vdead1
for name in all default; do echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6; done
for name in veth0 veth1 vfull0 vfull1 vdead0; do ip link set "$name" up; done
tc qdisc add dev vfull0 root tbf rate 8bit burst 1600 limit 1000
cat >send.sh <<END
/t/packet_sender --to veth0 --count $1
/t/packet_sender --to vfull0 --length 1000 --count 1000
/t/packet_sender --to vdead0 --count 1000
/t/packet_sender --to veth0 --length 1515 --count 500
END
/t/sockray trace --json --no-calibrate --ring 512M -w recording.pcapng.zst -- sh send.sh >live
grep '"type":"summary"' live >live.json
md5sum live >live.md5
cat /sys/class/net/veth0/statistics/tx_packets /sys/class/net/vfull0/statistics/tx_packets >tx_packets
tar -cf - recording.pcapng.zst live.json live.md5 tx_packets
