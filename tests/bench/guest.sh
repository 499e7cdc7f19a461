# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from the scripts that source this
# What the scripts that run in a guest share: the network, the tracers and how they start and stop, one sample.
# Sourced. Everything that is run lies in /t (tools/bench puts it there); bash is the guest's.

set -m # else bash lets its background jobs ignore SIGINT
here=/t
work=/tmp/bench
mkdir -p "$work"
# A tracer, or the command that it runs, says here that it is ready: who waits for that takes no CPU time meanwhile.
mkfifo "$work/ready"
exec {ready}<>"$work/ready"

say() { printf 'bench: %s\n' "$*" >&2; }

# value ROW METRIC VALUE: one line of the results, of the round `round` in the part `part`.
value() {
    printf '{"part":"%s","round":%d,"row":"%s","metric":"%s","value":%s}\n' "$part" "$round" "$1" "$2" "$3"
}

# Of what tight_sender prints: field NAME JSON, median NAME JSON.
field() { sed -E 's/.*"'"$1"'":([0-9.]+).*/\1/' <<<"$2"; }
median() { sed -E 's/.*"'"$1"'":\{"median":([0-9.]+).*/\1/' <<<"$2"; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a - b }'; }

network() {
    ip link add veth0 type veth peer name veth1
    sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
    ip link set veth0 up
    ip link set veth1 up
}

# Nanoseconds of this guest's clock.
now() { echo "${EPOCHREALTIME/./}000"; }

# The CPU time of a process and all its threads, ns.
cpu_of() { cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

# Its resident memory at its highest, KiB.
rss_of() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }

# What sockray plans for a kind of hook and a set of stages: plan_of KIND SET -> path. Kept by tracer_sockray; asked for
# here where it has not run yet. Beside it stand the raw tracepoints: a plan does not name those that are no stage's.
plan_of() {
    local plan=$work/plan.$1.$2
    [[ -s $plan ]] || $here/sockray trace --json --backend "$1" --stages "$2" -- \
        sh -c "$here/program_costs --tracepoints >$plan.tracepoints" 2>/dev/null | grep '"type":"plan"' >"$plan"
    echo "$plan"
}

keep_plan() {
    local plan=$work/plan.$1.$2
    [[ ! -s $plan ]] || return 0
    $here/program_costs --tracepoints >"$plan.tracepoints"
    grep '"type":"plan"' "$work/out" >"$plan" || true
}

# --- tracers: each is started by tracer_NAME, sets pid, and says into $work/ready when it is ------------------------

tracer_none() { pid=; }

tracer_floor() {
    local plan
    plan=$(plan_of "$1" "$2")
    # shellcheck disable=SC2046 # words
    $here/empty_hooks $(cat "$plan.tracepoints") <"$plan" 2>"$work/ready" &
    pid=$!
}

tracer_stamps() {
    local plan
    plan=$(plan_of "$1" "$2")
    # shellcheck disable=SC2046 # words
    $here/empty_hooks --stamps $(cat "$plan.tracepoints") <"$plan" 2>"$work/ready" &
    pid=$!
}

tracer_sockray() {
    local options=(--backend "$1" --stages "$2")
    [[ ${3:-} == text ]] || options+=(--json) # its plan is what the others go by
    [[ ${3:-} != write ]] || options+=(-w "$work/recording.pcapng")
    $here/sockray trace "${options[@]}" >"$work/out" 2>"$work/ready" &
    pid=$!
}

tracer_bpftrace() {
    local plan
    plan=$(plan_of kprobe "$2")
    $here/peer_script "bpftrace-$1" <"$plan" >"$work/script.bt"
    bpftrace --unsafe -B full -o "$work/out" -c "/usr/bin/sh $here/armed" "$work/script.bt" \
        >"$work/bt.out" 2>"$work/err" &
    pid=$!
}

tracer_graph() {
    local tracing=/sys/kernel/tracing
    $here/peer_script graph <"$(plan_of kprobe "$1")" >$tracing/set_ftrace_filter
    echo function_graph >$tracing/current_tracer
    echo 1 >$tracing/tracing_on
    pid=
    echo ready >"$work/ready"
}

tracer_trace_cmd() {
    local words=() function
    while read -r function; do words+=(-l "$function"); done < <($here/peer_script graph <"$(plan_of kprobe "$1")")
    trace-cmd record -q -o "$work/trace.dat" -p function_graph "${words[@]}" "$here/armed" >"$work/out" 2>"$work/err" &
    pid=$!
}

tracer_perf() {
    $here/peer_script kprobe-events <"$(plan_of kprobe "$1")" >/sys/kernel/tracing/kprobe_events
    perf record -q -a -e 'sockray_bench:*' -o "$work/perf.data" "$here/armed" >"$work/out" 2>"$work/err" &
    pid=$!
}

# What it says before goes to $work/err.
wait_until_armed() {
    local line seconds
    for ((seconds = 0; seconds < 60; seconds++)); do
        while read -r -t 1 line <&"$ready"; do
            [[ $line != *ready ]] || return 0
            printf '%s\n' "$line" >>"$work/err"
        done
        [[ -z $pid ]] || kill -0 "$pid" 2>/dev/null || return 1
    done
    return 1
}

# What earlier ones have said.
forget_what_was_said() {
    local line
    while read -r -t 0.01 line <&"$ready"; do :; done
}

# start NAME ARGS...: sets pid and armed_ns; false where it does not work here, with the reason in $work/err.
start() {
    local begun
    rm -f "$work"/{armed,out,recording.pcapng,trace.dat,perf.data}
    : >"$work/err"
    forget_what_was_said
    pid=
    case $1 in # not while the clock runs
    floor | stamps) plan_of "$2" "$3" ;;
    bpftrace) plan_of kprobe "$3" ;;
    graph | trace_cmd | perf) plan_of kprobe "$2" ;;
    esac >/dev/null
    begun=$(now)
    "tracer_$1" "${@:2}"
    [[ $1 == none ]] || wait_until_armed || {
        say "$* does not work here: $(tail -n 2 "$work/err" | tr '\n' ' ')"
        stop "$@"
        return 1
    }
    armed_ns=$(($(now) - begun))
    armed_cpu=0
    [[ -z $pid ]] || armed_cpu=$(cpu_of "$pid")
}

# stop NAME ARGS...: sets gone_ns, reader_ns (CPU time since it was armed) and rss.
stop() {
    local begun
    reader_ns=0 rss=0
    [[ $1 != sockray || ${4:-} == text ]] || keep_plan "$2" "$3"
    begun=$(now)
    if [[ -n $pid ]]; then
        reader_ns=$(($(cpu_of "$pid") - armed_cpu))
        rss=$(rss_of "$pid")
        begun=$(now)
        # The child that a tracer was given is what ends these two.
        case $1 in
        trace_cmd | perf) kill -INT "$(cat "$work/armed" 2>/dev/null || echo "$pid")" 2>/dev/null || true ;;
        *) kill -INT "$pid" 2>/dev/null || true ;;
        esac
        wait "$pid" 2>/dev/null || true
    fi
    gone_ns=$(($(now) - begun))
    case $1 in
    graph)
        echo 0 >/sys/kernel/tracing/tracing_on
        cp /sys/kernel/tracing/trace "$work/out" 2>/dev/null || true
        echo nop >/sys/kernel/tracing/current_tracer
        : >/sys/kernel/tracing/set_ftrace_filter
        : >/sys/kernel/tracing/trace
        ;;
    perf) echo >/sys/kernel/tracing/kprobe_events ;;
    esac
}

# How many sends the tracer told of; "none" where it tells of none at all.
told() {
    case $1 in
    sockray)
        sed -nE 's/^\{"type":"summary".*"decoded":([0-9]+),"lost".*/\1/p; s/^ *seen [0-9]+ = decoded ([0-9]+) .*/\1/p' \
            "$work/out"
        ;;
    bpftrace) grep -c ' tight_sender ' "$work/out" ;;
    graph) grep -c 'packet_sendmsg()' "$work/out" ;;
    trace_cmd) trace-cmd report -i "$work/trace.dat" 2>/dev/null | grep -c 'packet_sendmsg()' ;;
    perf) perf script -i "$work/perf.data" -F comm,event,ip,sym 2>/dev/null | grep -c "$(sendmsg_event "$2")" ;;
    *) echo none ;;
    esac
}

# The event that perf counts one of for each send.
sendmsg_event() {
    $here/peer_script kprobe-events <"$(plan_of kprobe "$1")" |
        sed -nE 's/^p:sockray_bench\/([^ ]+) packet_sendmsg\+0$/\1/p'
}
