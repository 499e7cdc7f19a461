# Part of tests/interop/run: what report makes of a recording, in programs that read such files.
# shellcheck shell=bash disable=SC2154

# A session's own --json has no findings: they are of a whole recording.
is "all lines of report --json are the session's own" \
    "$(grep -vE '^\{"type":"(finding|looked_at)"' "$work/json" | md5sum | cut -d ' ' -f 1)" "$(cut -d ' ' -f 1 "$work/live.md5")"
is "the summary of report is that of the session" "$(grep '"type":"summary"' "$work/json" | md5sum)" "$(md5sum <"$work/live.json")"

report=$work/report
mkdir "$report"
# A time line is one option: two calls for its two kinds.
"$built/sockray" report "$file" --html "$report/page.html" --timeline "$report/x.pftrace" --folded "$report/folded" \
    --flame "$report/flame.svg" --csv >"$report/csv" 2>>"$work/err"
is "exit status of report with a page, a time line, stacks, a flame graph and a table" $? 0
# jq holds the whole of it in memory, many times as large.
few=5000
"$built/tests/bench/long_recording" "$file" "$report/few.pcapng" "$few" 2>>"$work/err"
"$built/sockray" report "$report/few.pcapng" --timeline "$report/x.json" >/dev/null 2>>"$work/err"
is "exit status of report with a time line in JSON" $? 0

is "rows of the table, each of another send" "$(tail -n +2 "$report/csv" | cut -d , -f 1 | sort -u | wc -l)" "$attempted"
is "lines of the table" "$(wc -l <"$report/csv")" $((attempted + 1))

# The first stage is around all others of its send: the system call's function.
is "the sum of the folded stacks, ns, is the time of the sends" "$(awk '{ n += $NF } END { printf "%.0f", n }' "$report/folded")" \
    "$(jq -n 'reduce (inputs | select(.type == "send") | .stages[0] | select(.start and .end) | .end - .start) as $ns
        (0; . + $ns)' "$work/json" 2>>"$work/err")"

# TracePacket.track_event is 11, its type 9: 1 a begin, 2 an end.
protoc --decode_raw <"$report/x.pftrace" >"$report/x.txt" 2>>"$work/err"
is "exit status of protoc with the time line" $? 0
events() { awk -v type="    9: $1" '/^  [0-9]/ { event = $1 == 11 } event && $0 == type { n++ } END { print n + 0 }' "$report/x.txt"; }
begins=$(events 1)
is "events of the time line that end" "$(events 2)" "$begins"
at_least "events of the time line that begin" "$begins" "$attempted"
read -r begins ends < <(jq -r '.traceEvents | map(.ph) | "\(map(select(. == "B")) | length) \(map(select(. == "E")) | length)"' \
    "$report/x.json" 2>>"$work/err")
is "events of the time line in JSON that end, by jq" "$ends" "$begins"
at_least "events of the time line in JSON that begin, by jq" "$begins" "$few"
# Of each thread, what began last ends first, by its name.
is "events of the time line in JSON that end where another is open, and that never end" "$(jq -r '
    reduce (.traceEvents[] | select(.ph == "B" or .ph == "E")) as $e ({open: {}, wrong: 0};
        "\($e.pid) \($e.tid)" as $track
        | if $e.ph == "B" then .open[$track] += [$e.name]
          elif (.open[$track] // [])[-1] == $e.name then .open[$track] |= .[:-1]
          else .wrong += 1 end)
    | "\(.wrong) \([.open[] | length] | add)"' "$report/x.json" 2>>"$work/err")" "0 0"

for id in findings ledger chain; do
    is "places of the page with the name $id" "$(grep -o "id=\"$id\"" "$report/page.html" | wc -l)" 1
done
is "flame graphs" "$(grep -c '<svg' "$report/flame.svg")" 1
rm -r "$report" "$work/json"
