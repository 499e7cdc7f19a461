#!/bin/bash
# Runs in a guest: what a send takes under each tracer. Arguments: ROUNDS SENDS BATCHES, then tracers, a word each:
# NAME or NAME:ARG or NAME:ARG:ARG... as guest.sh's functions take them.
#
# Each tracer's sample follows one without a tracer; a round goes through all of them.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
part=tracing

rounds=$1 sends=$2 batches=$3
shift 3

measure() { $here/tight_sender -i veth0 --sends "$sends" --batches "$batches"; }

sample() {
    local words before with warm sent counted
    IFS=: read -r -a words <<<"$1"
    before=$(measure)
    start "${words[@]}" || return 0
    warm=$($here/tight_sender -i veth0 --sends 100 --batches 1)
    with=$(measure)
    sleep 0.3 # what is buffered gets to the reader
    stop "${words[@]}"
    counted=$(told "${words[@]}")
    sent=$(($(field sent "$with") + $(field sent "$warm")))
    value "$1" send_ns "$(median cpu_ns "$with")"
    value "$1" added_ns "$(minus "$(median cpu_ns "$with")" "$(median cpu_ns "$before")")"
    value "$1" added_wall_ns "$(minus "$(median wall_ns "$with")" "$(median wall_ns "$before")")"
    [[ -z $pid ]] || value "$1" armed_ms "$((armed_ns / 1000000))"
    [[ -z $pid ]] || value "$1" gone_ms "$((gone_ns / 1000000))"
    [[ $1 != none ]] || return 0
    [[ -z $pid ]] || value "$1" rss_kib "$rss"
    [[ $counted == none ]] || value "$1" reader_ns_a_send "$((reader_ns / sent))"
    [[ $counted == none ]] || value "$1" lost_percent \
        "$(awk -v a="$sent" -v b="$counted" 'BEGIN { printf "%.2f", 100 * (a - b) / a }')"
}

network
measure >/dev/null
for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds"
    for tracer; do sample "$tracer"; done
done
