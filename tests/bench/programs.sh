#!/bin/bash
# Runs in a guest: which of sockray's programs a send spends its time in. Arguments: SENDS, then KIND:SET for each
# session. The kernel counts runs and their time (kernel.bpf_stats_enabled), which costs a little in each run.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
part=programs
round=1
sends=$1
shift

session() {
    local words
    IFS=: read -r -a words <<<"$1"
    start sockray "${words[@]}" || return 0
    $here/tight_sender -i veth0 --sends 100 --batches 1 >/dev/null
    $here/program_costs >"$work/programs.before"
    $here/tight_sender -i veth0 --sends "$sends" --batches 1 >/dev/null
    $here/program_costs >"$work/programs.after"
    stop sockray "${words[@]}"
    awk -v sends="$sends" -v session="$1" '
        NR == FNR { runs[$1] = $6; ns[$1] = $7; next }
        {
            more = $6 - runs[$1]
            spent = $7 - ns[$1]
            row = session "/" $2
            print row, "verified", $3
            print row, "instructions", $4
            print row, "machine_bytes", $5
            if (more * 20 < sends) next
            printf "%s runs_a_send %.2f\n", row, more / sends
            printf "%s ns_a_run %.1f\n", row, spent / more
            printf "%s ns_a_send %.1f\n", row, spent / sends
        }' "$work/programs.before" "$work/programs.after" |
        while read -r row metric number; do value "$row" "$metric" "$number"; done
}

network
echo 1 >/proc/sys/kernel/bpf_stats_enabled
for session; do session "$session"; done
