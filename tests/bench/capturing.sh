#!/bin/bash
# Runs in a network namespace of its own: sockray, dumpcap and tcpdump each take the same frames off a veth device and
# write them to the same disk, in turn within a round. Arguments: ROUNDS FRAMES BUILD FOLDER. What is in a file is
# counted by capinfos, and what was sent by the device; neither by who captured.
set -euo pipefail
rounds=$1 frames=$2 built=$3
work=$(mktemp -d -p "$4")
trap 'rm -rf -- "$work"' EXIT
TIMEFORMAT='%3U %3S'
readonly rate=50000 file=$work/captured

value() {
    printf '{"part":"capturing","round":%d,"row":"%s","metric":"%s","value":%s}\n' "$round" "$1" "$2" "$3"
}

# /sys shows the namespace it was mounted in. What veth's other end has no room for is no frame sent (veth_xmit).
sent() { sed -nE 's/^ *veth0:(.*)/\1/p' /proc/net/dev | awk '{ print $10 }'; }

# Of all threads of a process, in ns (Documentation/scheduler/sched-stats.rst).
cpu_of() { cat "/proc/$1/task/"*/schedstat 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

field() { sed -E "s/.*\"$1\":(\\{\"median\":)?([0-9.]+).*/\\2/" <<<"$2"; }

capturer() {
    case $1 in
    sockray) echo "$built/sockray" capture --no-trace -i veth1 -w "$file" ;;
    dumpcap) echo dumpcap -q -i veth1 -w "$file" ;;
    tcpdump) echo tcpdump -Z root -i veth1 -w "$file" ;;
    esac
}

# By what each says when it captures.
is_ready() { grep -qsE '^sockray: ready|^File: |listening on veth1' "$work/err"; }

# What each says that the kernel dropped for want of room.
said_dropped() {
    cat "$work/out" "$work/err" | sed -nE \
        -e 's/^ *seen .*no room ([0-9]+).*/\1/p' \
        -e 's/.*received\/dropped on interface .*: [0-9]+\/([0-9]+) .*/\1/p' \
        -e 's/^([0-9]+) packets? dropped by kernel.*/\1/p' | tail -n 1
}

# start NAME: sets `job`, `pid` and `starting`, the CPU time until it captured.
start() {
    local command i
    read -r -a command <<<"$(capturer "$1")"
    rm -f "$file" "$work/pid" "$work/out" "$work/err"
    # shellcheck disable=SC2016 # of the inner shell
    { time bash -c 'echo $$ >"$0/pid"; exec "$@" >"$0/out" 2>"$0/err"' "$work" "${command[@]}"; } 2>"$work/time" &
    job=$!
    for ((i = 0; i < 600; i++)); do
        sleep 0.05
        ! is_ready || break
    done
    pid=$(cat "$work/pid")
    if ! is_ready; then
        printf 'capturing: %s does not start: %s\n' "$1" "$(tail -n 1 "$work/err")" >&2
        kill -KILL "$pid"
        wait "$job" || true
        return 1
    fi
    sleep 0.3
    starting=$(cpu_of "$pid")
}

# sample NAME LENGTH WORD [RATE]
sample() {
    local row=$1:$2:$3 before made said count
    if [[ $1 != none ]]; then start "$1" || return 0; fi
    before=$(sent)
    # shellcheck disable=SC2086 # two words, or none
    said=$("$built/tests/bench/tight_sender" -i veth0 --length "$2" --sends 100 --batches "$((frames / 100))" \
        ${4:+--rate $4})
    made=$(($(sent) - before))
    value "$row" frames_a_second "$(awk -v n="$made" -v s="$(field seconds "$said")" 'BEGIN { printf "%.0f", n / s }')"
    value "$row" sender_ns_a_frame "$(awk -v n="$made" -v ns="$(field all_cpu_ns "$said")" \
        'BEGIN { printf "%.1f", ns / n }')"
    [[ $1 != none ]] || return 0
    sleep 1.5 # tcpdump has the kernel keep a block that is not full for a second
    kill -INT "$pid"
    wait "$job" || printf 'capturing: %s ended with status %d\n' "$row" "$?" >&2
    count=$(capinfos -Mc "$file" 2>/dev/null | sed -nE 's/^Number of packets: *([0-9]+).*/\1/p')
    value "$row" cpu_ns_a_frame "$(awk -v n="$count" -v starting="$starting" \
        '{ printf "%.1f", (($1 + $2) * 1e9 - starting) / n }' "$work/time")"
    value "$row" user_share "$(awk '{ printf "%.2f", $1 / ($1 + $2 + 1e-6) }' "$work/time")"
    value "$row" lost "$((made - count))"
    value "$row" lost_percent "$(awk -v n="$count" -v made="$made" 'BEGIN { printf "%.3f", 100 * (made - n) / made }')"
    value "$row" said_dropped "$(said_dropped)"
    value "$row" bytes_a_frame "$(awk -v n="$count" -v size="$(stat -c %s "$file")" 'BEGIN { printf "%.0f", size / n }')"
    rm -f "$file" # before the kernel writes all of it to the disk, next to who comes then
}

ip link set lo up
ip link add veth0 type veth peer name veth1
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
ip link set veth0 up
ip link set veth1 up
sync "$work" # what was written before

for ((round = 1; round <= rounds; round++)); do
    for length in 60 1500; do
        for name in none sockray dumpcap tcpdump; do sample "$name" "$length" full; done
        for name in sockray dumpcap tcpdump; do sample "$name" "$length" slow "$rate"; done
    done
done
