// The texts of --help around the options: what each verb does, with examples.
#pragma once

namespace sockray {

inline constexpr const char* overview =
    R"(An X-ray for Linux packet sockets: what the kernel did with every AF_PACKET socket that was
created and every frame sent through one; which functions it went through, how long each took,
how it ended.)";

inline constexpr const char* overview_footer = R"(
Examples:
  sockray doctor                              what can be seen on this kernel
  sockray run -i veth0 -c 1000                drive traffic, trace it, show chain and ledger
  sockray trace -i eth0                       what other programs send through eth0
  sockray trace --tree -- arping -c 1 10.0.0.1
  sockray top                                 who sends right now
  sockray trace -w sends.pcapng -- ./sender   keep it
  sockray capture -i eth0 -w frames.pcapng    the frames of eth0, and the sends behind them
  sockray report sends.pcapng                 and read it, here or elsewhere
  sockray diagnose sends.pcapng               what stands out, why, and what to try
  sockray diff before.pcapng after.pcapng     did the path change, did a stage get slower
  sockray compare-methods -i veth0            what each way to send costs
  sockray ops                                 the kernel's own tables, by name
  sockray sockets                             every packet socket of the system

Exit status: 0 done; 1 the run failed; 2 wrong usage; 3 this kernel or these privileges do not
allow it. Results go to standard output, everything else to standard error.)";

inline constexpr const char* doctor_footer = R"help(
Loads and attaches every program, sends one frame on a private loopback interface to check the
plan, and takes everything away again.

Example:
  sockray doctor --json | jq -r 'select(.evidence == "located") | "\(.stage) +\(.offset)"'

Exit status 3 where the main job cannot run, 1 where it cannot be told (a FILE that cannot be read); the first line then
says why.)help";

inline constexpr const char* run_footer = R"(
Each frame carries the number of its send; the kernel side reads it back from the frame, and every
send is matched by number and by thread. Frames of a file carry none: they are matched by thread,
order and time.

One send is one frame: a sendmmsg of 32 is 32 sends, a call on a TX ring one for each frame that the
kernel took or refused.

An EXPRESSION leaves sends without a record whose frame does not match (see trace --help): they are
driven and counted, and what remains is as cheap to trace as it is rare.

Stages: chain is how a send gets to the driver; device adds how long it slept for its send buffer and
what queue and driver do with the frame; full also what is copied and parsed, which packet sockets
receive it here, and when it is freed.

Examples:
  sockray run -i veth0 -c 100000
  sockray run -i eth0 -c 600 --rate 100 --size 1514 --method sendmsg
  sockray run -i veth0 -c 10000 --method ring-v3 --batch 64 --bypass
  sockray run -i veth0 -c 10000 --frame udp --dst 198.51.100.7 --dport 5000 --vlan 7 --size 64-1518
  sockray run -i veth0 -c 100 --frame tcp --size 30000 --vnet-hdr --gso 1400
  sockray run -i veth0 -r capture.pcapng --rate max -c 100000
  sockray run -i veth0 -c 100000 --size 64-1518 greater 1500
  sockray run -i veth0 -c 1000 --json | jq -r 'select(.type == "summary")'

Exit status 1 where no send was delivered and none waits in a qdisc still, or the run was interrupted.)";

inline constexpr const char* trace_footer = R"(
Says "ready" on standard error when every hook is armed; a COMMAND starts only then, and its own
standard output goes to standard error. Ends with Ctrl-C (SIGINT, SIGTERM), with COMMAND, with the
process of -p, or after -c sends; then come who sent what, the chains and the ledger. A COMMAND
that still runs then is ended by SIGTERM; what it left in the background is not traced any more.

An EXPRESSION, as tcpdump takes it, selects in the kernel by the bytes of each frame as it is handed
to its device: what does not match leaves no record and is only counted. What cannot be judged is
kept, and counted: a send that ended before there was a frame, one whose frame cannot be read as far
as the expression asks (of a frame in page fragments only the beginning is), one through a device
whose frames begin neither with an Ethernet nor with an IP header. Names are looked up in this
machine's files, never by DNS.

Stages: chain is how a send gets to the driver; device adds how long it slept for its send buffer and
what queue and driver do with the frame; full also what is copied and parsed, which packet sockets
receive it here, and when it is freed.

Examples:
  sockray trace -i eth0
  sockray trace 'udp port 53 or arp'
  sockray trace --outcome dropped,failed -w losses.pcapng vlan 7
  sockray trace --netns blue
  sockray trace --tree -c 1 -- arping -c 1 -I eth0 10.0.0.1
  sockray trace --json --comm dhclient > sends.jsonl

Exit status 1 where COMMAND cannot be run or failed.)";

inline constexpr const char* capture_footer = R"help(
FILTER is a pcap-filter(7) expression, as tcpdump takes it, and selects in the kernel, before anything is
copied. Ends with Ctrl-C (SIGINT, SIGTERM), after -c frames, or when the interface goes down; then comes the
ledger: every frame that the filter selected is told, or counted with the cause of its loss.

A frame that a packet socket sends comes once, with the story of its send, as sockray trace tells it: frames
past the taps (PACKET_QDISC_BYPASS) too, and those that were dropped on their way. The filter then also
selects sends, and keeps those that ended before there was a frame. Where tracing is not possible, it says
so, and frames come without their story. On loopback what is sent is also received: each comes as a frame
of its own. On any a frame may pass several devices (a VLAN, a bridge, and the one below): the story is with
the first, and the others are frames of their own.

With -p, --comm or --outcome only the frames of such sends are told; who sent any other frame is not known,
and received ones have no sender here: they are left out, and counted. Then -c counts sends; the sums of
outcomes are of all. With -p it ends with the process.

With -w frames are written and not shown.

Examples:
  sockray capture -i eth0
  sockray capture -i eth0 -w frames.pcapng udp port 53
  sockray capture -i any -c 100 --json arp | jq -r 'select(.type == "frame" or .type == "send").len'
  sockray capture -i eth0 --fanout 4 -w frames.pcapng -C 100 -W 10
  sockray capture -i eth0 --comm dhclient
  sockray capture -i eth0 --outcome dropped,failed -w losses.pcapng
  sockray capture --netns blue -i veth0

Exit status 1 where an error ended it.)help";

inline constexpr const char* top_footer = R"help(
In the terminal: q quits, space pauses, / filters by what is typed next (name, pid, socket, device,
method), s or r b d l p sort, arrows scroll, h explains. Rates, times and STAGES are of the last interval,
drop, fail and sends since the begin; the small pictures are the last intervals. At the end comes the ledger.

Of a sender: the thread's name, its process, the socket's inode, the device, and how it sends; tx_ring is
a TX ring. The 256 that send most are kept by name, the others are summed up as (others).

Without a terminal, or with -b, it is plain text, each picture below the one before.

Examples:
  sockray top
  sockray top -i eth0 --sort drops --stages device
  sockray top -i eth0 udp port 53
  sockray top -b -n 3 -d 10 --comm dhclient > top.txt

Exit status 0 however it was ended by the user; 1 where the terminal or standard output has gone, or it was ended
before tracing had begun.)help";

inline constexpr const char* report_footer = R"help(
Everything is in the file: it can be read on another machine. A recording that was cut off is read up
to its last whole record, and said so: what tracing lost, and what the devices counted, is then unknown.
Of a session in several files (-C, -G) give all, in their order; which are missing is said.

Examples:
  sockray trace -w sends.pcapng -- ./mysender
  sockray report sends.pcapng
  sockray report --tree sends.pcapng | less
  sockray report --json sends.pcapng | jq -r 'select(.outcome == "failed") | .reason'
  sockray report sends.pcapng --html sends.html
  sockray report sends.pcapng --folded - | flamegraph.pl > sends.svg
  sockray report sends.pcapng --timeline sends.pftrace --flame sends.svg)help";

inline constexpr const char* diagnose_footer = R"help(
Each finding says where its numbers were measured, the likely cause and what to try. What cost frames
comes first, then what cost time, then what is good to know; of each the most costly first. More stages
in the recording (--stages device, full) let more rules see; what no rule could look at is said. Of sends
that --outcome left out no more than their number is known: lost frames are shares of all, times are not. Exit
status 1 where the capture was not traced: it has no sends to judge.

Examples:
  sockray trace --stages full -w sends.pcapng -- ./mysender
  sockray diagnose sends.pcapng
  sockray diagnose --json sends.pcapng | jq -r 'select(.rule) | "\(.cost) \(.rule): \(.title)"')help";

inline constexpr const char* diff_footer = R"help(
The path changed where one that at least 1 % of the sends took is gone (below 0.1 %), or a new one is
there. A stage got slower where that is significant, with blocks of consecutive sends as observations,
and more than the tolerance. More sends that are dropped or failed count from 1 in 1000 on; where both
lose many, from a tenth of these on, at most 1 in 100; what is less is shown. All tests are corrected
for their number: where nothing changed, 1 comparison in 100 says something did.

How much two runs of the same thing differ by themselves (CPU, frequency, load) only two such runs can
tell: set the tolerance above it. A stage without a hook in one of them is compared in neither; times in
which hooks of different kinds lie are shown and not judged (record with the same --backend). So are paths
and outcomes where --outcome left sends out. NOT ALL JUDGED says that something was not, SAME that all was.

Examples:
  sockray run -i veth0 -c 100000 -w before.pcapng
  sockray run -i veth0 -c 100000 -w after.pcapng
  sockray diff before.pcapng after.pcapng
  sockray diff cap cap1 cap2 -- after.pcapng
  sockray diff --tolerance 50 --json before.pcapng after.pcapng | jq -r 'select(.subject == "verdict") | .verdict'

Exit status 1 where the path changed, a stage got slower, more sends were lost, or a file cannot be read;
0 where nothing of this was found, be it SAME or NOT ALL JUDGED (--json: same, not_all_judged).)help";

inline constexpr const char* compare_methods_footer = R"help(
sendto, send, sendmsg, sendmmsg, write, writev, ring-v1, ring-v2 and ring-v3, each also past the qdisc
(bypass), in turn and in another order each round, so that what the machine does meanwhile falls on all.
frames/s is measured without any hook; then come as many traced rounds, which say in which stage a
method gains or loses against sendto. What cannot send through the interface is a row with the reason.

Examples:
  sockray compare-methods -i veth0
  sockray compare-methods -i eth0 --batch 64 --size 1514
  sockray compare-methods -i veth0 --no-trace --json | jq -r '"\(.method) \(.frames_a_second.median)"'

Exit status 3 where this kernel or these privileges do not allow tracing: the throughput is shown all
the same. 1 where no method can send, or it was interrupted.)help";

inline constexpr const char* ops_footer = R"(
Example:
  sockray ops | grep sendmsg)";

inline constexpr const char* sockets_footer = R"help(
Of each socket: who holds it, its type, protocol and interface, rings, fanout group, options, buffers
and counters, as the kernel has them. Reading changes nothing: the counters that
getsockopt(PACKET_STATISTICS) sets to 0 stay.

Of sockets that no process holds by a descriptor (in flight over a Unix socket, kept by
io_uring or the kernel) sock_diag tells a part, and the rest is shown as unknown. The kernel
loads its module af_packet_diag for that, as it does for `ss -0`.

Examples:
  sockray sockets
  sockray sockets --json | jq -r 'select(.drops > 0) | "\(.processes[0].comm) lost \(.drops)"')help";

}  // namespace sockray
