#!/bin/bash
# Runs in a guest: a sender on every CPU, as fast as it can. Arguments: SECONDS, then tracers as tracing.sh takes them.
# The sender's time a send is that of its own thread, the reader's that of all of its threads.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
part=saturation
round=1
seconds=$1
shift

senders() { $here/tight_sender -i veth0 --threads "$(nproc)" --pin --seconds "$1" --sends 200; }
cpu_a_send() { awk -v ns="$(field all_cpu_ns "$1")" -v sent="$(field sent "$1")" 'BEGIN { printf "%.1f", ns / sent }'; }
rate() { awk -v sent="$(field sent "$1")" -v s="$(field seconds "$1")" 'BEGIN { printf "%.0f", sent / s }'; }

sample() {
    local words with sent counted first='' starting
    IFS=: read -r -a words <<<"$1"
    start "${words[@]}" || return 0
    senders 1 >/dev/null # so that what is allocated once is
    starting=$(rss_of "${pid:-self}")
    if [[ $pid ]]; then
        echo 5 >"/proc/$pid/clear_refs" # VmHWM is the most from here on (Documentation/filesystems/proc.rst)
        first=$(rss_of "$pid")
        armed_cpu=$(cpu_of "$pid")
    fi
    with=$(senders "$seconds")
    sent=$(field sent "$with")
    sleep 1
    stop "${words[@]}"
    counted=$(told "${words[@]}")
    value "$1" sends_a_second "$(rate "$with")"
    value "$1" send_ns "$(cpu_a_send "$with")"
    [[ $1 != none ]] || { unburdened=$(cpu_a_send "$with") && return 0; }
    value "$1" added_ns "$(minus "$(cpu_a_send "$with")" "$unburdened")"
    value "$1" reader_ns_a_send "$((reader_ns / sent))"
    value "$1" reader_share_of_added "$(awk -v reader="$reader_ns" -v sent="$sent" -v with="$(cpu_a_send "$with")" \
        -v without="$unburdened" 'BEGIN { printf "%.3f", reader / sent / (with - without) }')"
    value "$1" rss_kib_starting "$starting"
    [[ -z $first ]] || value "$1" rss_kib_first "$first"
    value "$1" rss_kib "$rss"
    [[ $counted == none ]] || value "$1" told "$counted"
    value "$1" lost "$(lost)"
}

# What the tracer itself says that it lost, where it does.
lost() {
    local own
    own=$(sed -nE 's/^ *seen [0-9]+ = decoded [0-9]+ \+ lost ([0-9]+).*/\1/p' "$work/out" | tail -n 1)
    [[ -n $own ]] || own=$(sed -nE '/^\{"type":"summary"/s/.*"lost":\{"no_room":([0-9]+),"missed":([0-9]+),"map_full":([0-9]+),"rejected":([0-9]+)\}.*/\1 \2 \3 \4/p' \
        "$work/out" | awk '{ print $1 + $2 + $3 + $4 }')
    [[ -n $own ]] || own=$(cat "$work/out" "$work/err" "$work/bt.out" 2>/dev/null |
        awk '/^Lost [0-9]+ events/ { sum += $2 } END { printf "%.0f", sum }')
    echo "$own"
}

network
sample none
for tracer; do sample "$tracer"; done
