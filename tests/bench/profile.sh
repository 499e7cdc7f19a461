#!/bin/bash
# Runs in a guest: where the kernel spends the time of a send while sockray traces it, by function. Arguments: SENDS,
# then KIND:SET for each session ("none": without a tracer). Prints tables for reading, no values.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
sends=$1
shift

session() {
    local words
    IFS=: read -r -a words <<<"$1"
    [[ $1 == none ]] || start sockray "${words[@]}" || return 0
    perf record -q -e cpu-clock:k -c 5003 -o "$work/profile" -- \
        $here/tight_sender -i veth0 --sends "$sends" --batches 1 >/dev/null
    printf '\n# %s: share of the samples in the kernel, by function\n' "$1"
    perf report -i "$work/profile" --stdio -q --sort symbol 2>/dev/null | grep -v '^$' | head -n 45
    [[ $1 == none ]] || stop sockray "${words[@]}"
}

network
for session; do session "$session"; done
