// Lets what reads go before what it watches.
#pragma once

namespace sockray {

// Of this thread and of those it starts later: the highest weight that the scheduler knows (nice -20). Where senders
// take all CPUs the reader would get a share as one of them, and the ring would overflow. It needs CAP_SYS_NICE, so it
// comes before drop_privileges(); and it comes behind the start of a COMMAND, which would inherit it. Without that
// capability nothing changes. Weights count within a scheduling group: against senders of another session (sched(7),
// autogroup) or control group it is that group's share that counts.
void go_before_others();

}  // namespace sockray
