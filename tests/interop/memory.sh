# Part of tests/interop/run: what a report takes in memory does not grow with the recording.
# shellcheck shell=bash disable=SC2154

# peak ARGUMENT...: of sockray with these, KiB.
peak() { /usr/bin/time -f %M -o "$work/peak" "$built/sockray" "$@" >/dev/null 2>>"$work/err" && tail -n 1 "$work/peak"; }

for sends in 100000 400000; do
    "$built/tests/bench/long_recording" "$file" "$work/$sends.pcapng" "$sends" 2>>"$work/err"
done
# grows NAME ARGUMENT...: FILE among them is the recording.
grows() {
    local name=$1 short long
    shift
    short=$(peak "${@/#FILE/$work/100000.pcapng}")
    long=$(peak "${@/#FILE/$work/400000.pcapng}")
    if [[ ! $short || ! $long ]]; then
        verdict no "$name" "report failed"
        return
    fi
    below "KiB that $name takes more of 400,000 sends than of 100,000 ($short)" $((long - short)) 4096
}
grows report report FILE
grows --json report FILE --json
grows --html report FILE --html /dev/null
grows --timeline report FILE --timeline /dev/null
grows --folded report FILE --folded /dev/null
grows --csv report FILE --csv
grows diff diff "$file" FILE
rm "$work"/?00000.pcapng
