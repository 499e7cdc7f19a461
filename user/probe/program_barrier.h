// Waits for the BPF programs that are running.
#pragma once

#include "user/base/fd.h"
#include "user/base/result.h"

namespace sockray {

class ProgramBarrier {
  public:
    // Makes what wait() needs, while there is the privilege for it (CAP_BPF).
    static Result<ProgramBarrier> make();

    // Until every program that began before has ended: all run inside sections that RCU waits for, and so does what
    // they remember in between, the driver's turn with a frame. Errors: the kernel took no new value for the map.
    Status wait() const;

  private:
    Fd inner_;
    Fd outer_;
};

}  // namespace sockray
