#!/bin/bash
# Runs in a guest: does the cost of a traced send grow with the stages, the senders, the sockets? Arguments: SENDS KIND.
# With the word "cpus" behind them: only what one sender's sends cost where the guest has as many CPUs as it has.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
part=growth
round=1
sends=$1
kind=$2
only_cpus=${3:-}

threads=(1 2 4 8 16 32 64)
sockets=(1 10 100 1000 10000)
sets=(packet_sendmsg chain device full)

# measure NAME NUMBER: the sender with so many "threads" or "sockets". Each thread makes all of `sends`: the first ones of
# a thread cost more, and were a larger share of fewer.
measure() {
    local batches=$((sends / 200 + 1))
    median cpu_ns "$($here/tight_sender -i veth0 "--$1" "$2" --sends 200 --batches "$batches")"
}
rows() {
    local number
    for number in "${threads[@]}"; do "$1" threads "$number"; done
    for number in "${sockets[@]}"; do "$1" sockets "$number"; done
}
remember() { alone["$1:$2"]=$(measure "$1" "$2"); }
compare() { value "$1:$2" added_ns "$(minus "$(measure "$1" "$2")" "${alone["$1:$2"]}")"; }

declare -A alone
ulimit -n 20000
network
if [[ $only_cpus ]]; then
    remember threads 1
    start sockray "$kind" chain text || exit 1
    $here/tight_sender -i veth0 --sends 200 --batches 1 >/dev/null
    value "cpus:$(nproc)" added_ns "$(minus "$(measure threads 1)" "${alone[threads:1]}")"
    stop sockray "$kind" chain
    exit
fi
rows remember
for set in "${sets[@]}"; do
    start sockray "$kind" "$set" text || continue
    $here/tight_sender -i veth0 --sends 200 --batches 1 >/dev/null
    if [[ $set == chain ]]; then
        rows compare
    fi
    value "stages:$set" added_ns "$(minus "$(measure threads 1)" "${alone[threads:1]}")"
    stop sockray "$kind" "$set"
done
