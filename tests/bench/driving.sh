#!/bin/bash
# Runs in a network namespace of its own: frames a second over veth, by each way to send of sockray, by trafgen and
# tcpreplay, and by a loop around sendto. Arguments: ROUNDS FRAMES BUILD. All take turns within a round.
set -euo pipefail
rounds=$1 frames=$2 built=$3
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

value() {
    printf '{"part":"driving","round":%d,"row":"%s","metric":"frames_a_second","value":%s}\n' "$round" "$1" "$2"
}

# What a program takes for all frames, without what it takes for one: starting is not sending. Seconds.
took() {
    local begun=$EPOCHREALTIME
    "$@" >/dev/null 2>&1
    awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f", b - a }'
}
rate() { awk -v all="$1" -v one="$2" -v frames="$frames" 'BEGIN { printf "%.0f", (frames - 1) / (all - one) }'; }

# /sys shows the namespace it was mounted in.
sent() { sed -nE 's/^ *veth0:(.*)/\1/p' /proc/net/dev | awk '{ print $10 }'; }

# peer NAME COMMAND...: the word FRAMES in the command is the number of frames.
peer() {
    local name=$1 one all before
    shift
    one=$(took "${@//FRAMES/1}")
    before=$(sent)
    all=$(took "${@//FRAMES/$frames}")
    if (($(sent) - before < frames)); then
        printf 'driving: %s sent %d of %d frames\n' "$name" "$(($(sent) - before))" "$frames" >&2
        return 0
    fi
    value "$name" "$(rate "$all" "$one")"
}

ip link set lo up
ip link add veth0 type veth peer name veth1
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
ip link set veth0 up
ip link set veth1 up
printf '{ fill(0xff, 6), 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0xb5, fill(0x5a, 46) }\n' >"$work/trafgen.cfg"
# One frame of 60 bytes as a pcap.
{
    printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0'
    printf '\x01\0\0\0\0\0\0\0\x3c\0\0\0\x3c\0\0\0'
    printf '\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x88\xb5'
    printf 'Z%.0s' {1..46}
} >"$work/frame.pcap"

for ((round = 1; round <= rounds; round++)); do
    value "bare loop" "$("$built/tests/bench/tight_sender" -i veth0 --sends 1000 --batches "$((frames / 1000 + 1))" |
        sed -E 's/.*"sent":([0-9]+).*"seconds":([0-9.]+).*/\1 \2/' | awk '{ printf "%.0f", $1 / $2 }')"
    peer trafgen trafgen --dev veth0 --conf "$work/trafgen.cfg" --num FRAMES -P 1
    peer tcpreplay tcpreplay -q --topspeed -K --loop=FRAMES -i veth0 "$work/frame.pcap"
    "$built/sockray" compare-methods -i veth0 -c "$frames" --rounds 1 --no-trace --json |
        sed -nE 's/.*"method":"([^"]+)","bypass":(true|false),.*"frames_a_second":\{"median":([0-9.e+]+).*/\1 \2 \3/p' |
        while read -r method bypass rate; do
            value "sockray:$method$([[ $bypass == false ]] || echo :bypass)" "$rate"
        done
done
