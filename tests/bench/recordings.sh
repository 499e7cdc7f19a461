#!/bin/bash
# Runs in a guest: makes recordings of the same sends by sockray, trace-cmd and perf, and hands them over as a tar
# archive on standard output. Argument: SENDS.
# shellcheck source=tests/bench/guest.sh
. /t/guest.sh
send() { $here/tight_sender -i veth0 --sends 100 --batches "$(($1 / 100))" >/dev/null; }

network
start sockray fentry device write || exit 1
send 2000
stop sockray fentry device write
mv "$work/recording.pcapng" /tmp/sends.pcapng
for tracer in trace_cmd perf; do
    start "$tracer" chain || continue
    send "$1"
    stop "$tracer" chain
    mv "$work"/trace.dat "$work"/perf.data /tmp/ 2>/dev/null
done
cd /tmp || exit 1
found=(sends.pcapng)
for file in trace.dat perf.data; do [[ ! -s $file ]] || found+=("$file"); done
tar -cf - "${found[@]}"
