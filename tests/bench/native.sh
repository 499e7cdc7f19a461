# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/bench, which sources this
# The parts of tools/bench that need no tracing: they run on this machine's own kernel.

# --- driving ------------------------------------------------------------------------------------------------------

part_driving() {
    [[ $(id -u) == 0 ]] || die "driving needs root (a network namespace of its own, packet sockets)"
    unshare -n bash tests/bench/driving.sh "${rounds:-5}" "$((sends * 100))" "$built" | keep
    local best
    best=$(grep '"part":"driving"' "$results" | grep '"row":"sockray:' |
        sed -E 's/.*"row":"([^"]+)".*"value":([0-9.]+).*/\1 \2/' | awk '
            { sum[$1] += $2; n[$1]++ }
            END { for (row in sum) if (sum[row] / n[row] > most) { most = sum[row] / n[row]; best = row } print best }')
    must driving frames_a_second "$best" trafgen at_least 1.15
    must driving frames_a_second "$best" tcpreplay
    must driving frames_a_second "$best" "bare loop"
}

# --- capturing ----------------------------------------------------------------------------------------------------

# The files go where results go.
part_capturing() {
    [[ $(id -u) == 0 ]] || die "capturing needs root (a network namespace of its own, packet sockets)"
    unshare -n bash tests/bench/capturing.sh "${rounds:-5}" "$((sends * 100))" "$built" "$out" | keep
}

capturing_bounds() {
    local length
    for length in 60 1500; do
        must capturing cpu_ns_a_frame "sockray:$length:full" "dumpcap:$length:full" at_most 0.8
        must capturing cpu_ns_a_frame "sockray:$length:full" "tcpdump:$length:full"
        must capturing cpu_ns_a_frame "sockray:$length:slow" "dumpcap:$length:slow" at_most 0.8
        must capturing cpu_ns_a_frame "sockray:$length:slow" "tcpdump:$length:slow"
        must capturing sender_ns_a_frame "sockray:$length:full" "dumpcap:$length:full"
        must capturing lost "sockray:$length:full" "" at_most 0
        must capturing lost "sockray:$length:slow" "" at_most 0
    done
}

# --- reading ------------------------------------------------------------------------------------------------------

# short_recordings: makes in a guest the recordings that longer ones are made of, where they are not there yet.
short_recordings() {
    local kernel=${kernels[0]} peers=(trace-cmd perf)
    mkdir -p "$made"
    [[ -s $made/sends.pcapng ]] || guest "$kernel" recordings.sh "$((sends * 10))" | tar -xf - -C "$made"
}

# 10^8 sends would take 80 GB.
part_growth_of_recordings() {
    local made=$out/recordings long=$out/recordings/long.pcapng number
    short_recordings
    for number in 100000 1000000 10000000; do
        "$built/tests/bench/long_recording" "$made/sends.pcapng" "$long" "$number"
        reader "records:$number" "$number" "$number" "$long" "$built/sockray" report "$long" | keep
    done
    rm -f "$long"
}

# reader ROW EVENTS SENDS FILE COMMAND...: one value line each for its speed, its memory and what it read. The events tell of
# so many sends: others need several for one.
reader() {
    local row=$1 events=$2 told=$3 file=$4 round
    shift 4
    for ((round = 1; round <= ${rounds:-1}; round++)); do
        if ! /usr/bin/time -o "$out/time" -f '%U %S %M' "$@" >/dev/null 2>"$out/reader.err"; then
            printf 'tools/bench: %s cannot read %s: %s\n' "$row" "$file" "$(tail -n 1 "$out/reader.err")" >&2
            return 0
        fi
        awk -v part="$part" -v row="$row" -v events="$events" -v told="$told" -v round="$round" -v bytes="$(stat -c %s "$file")" '{
            head = "{\"part\":\"" part "\",\"round\":" round ",\"row\":\"" row "\",\"metric\":\""
            printf "%sevents\",\"value\":%d}\n", head, events
            printf "%sevents_a_cpu_second\",\"value\":%.0f}\n", head, events / ($1 + $2 + 0.001)
            printf "%ssends_a_cpu_second\",\"value\":%.0f}\n", head, told / ($1 + $2 + 0.001)
            printf "%speak_mib\",\"value\":%.1f}\n", head, $3 / 1024
            printf "%sbytes_an_event\",\"value\":%.0f}\n", head, bytes / events
        }' "$out/time"
    done
}

# The recordings that others are read from hold as many events as they could take in a guest.
part_reading() {
    local made=$out/recordings long=$out/recordings/long.pcapng events sent=$((sends * 10))
    short_recordings
    "$built/tests/bench/long_recording" "$made/sends.pcapng" "$long" "$records"
    {
        reader "sockray report" "$records" "$records" "$long" "$built/sockray" report "$long"
        reader "sockray report --json" "$records" "$records" "$long" "$built/sockray" report --json "$long"
        reader "tshark, the same file" "$records" "$records" "$long" tshark -n -r "$long"
        events=$(trace-cmd report -i "$made/trace.dat" 2>/dev/null | wc -l || true)
        ((events == 0)) || reader "trace-cmd report" "$events" "$sent" "$made/trace.dat" trace-cmd report -i "$made/trace.dat"
        events=$(perf script -i "$made/perf.data" 2>/dev/null | grep -c sockray_bench: || true)
        ((events == 0)) || reader "perf script" "$events" "$sent" "$made/perf.data" perf script -i "$made/perf.data"
        # Debian's perf converts to CTF only where it was built with babeltrace.
        rm -rf "$made/ctf"
        if perf data convert -i "$made/perf.data" --to-ctf "$made/ctf" >/dev/null 2>&1; then
            reader babeltrace2 "$events" "$sent" "$made/perf.data" babeltrace2 "$made/ctf"
        else
            printf 'tools/bench: babeltrace2 left out: this perf cannot write CTF\n' >&2
        fi
    } | keep
    rm -f "$long"
}

reading_bounds() {
    local peer
    for peer in "tshark, the same file" "trace-cmd report" "perf script" babeltrace2; do
        must reading sends_a_cpu_second "sockray report" "$peer" at_least 10
    done
    must reading peak_mib "sockray report" "" at_most 64
}
