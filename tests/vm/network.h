// The tests' own network namespace: nothing in it sends but what a test starts. IPv6 is off throughout.
#pragma once

#include <string>

#include "user/base/fd.h"

namespace sockray::vm {

// Makes the namespace, with lo and the pair veth0 - veth1 up and 10.9.0.1/24 on veth0; the calling thread and what it
// starts live in it from then on. Once, from main(). Returns why it could not, or "".
std::string enter_network();
// The reason why enter_network() failed, "" where all is well.
std::string network_problem();

// A pair NAME0 - NAME1, deleted when the object goes. Both up unless told otherwise.
class VethPair {
  public:
    explicit VethPair(const std::string& name, bool up = true, bool peer_up = true);
    ~VethPair();
    VethPair(const VethPair&) = delete;
    VethPair& operator=(const VethPair&) = delete;

    std::string name() const { return name_ + "0"; }
    std::string peer() const { return name_ + "1"; }
    // Runs `tc qdisc add dev NAME0 root` with these words.
    void set_qdisc(const std::string& words) const;

  private:
    std::string name_;
};

// The network card that tools/vm gives every guest, up; down again when the object goes. What its driver is given
// waits in its ring for ever, so that the driver soon stops its queue, for this object and all that follow. A socket
// has room for some 230 small frames that wait, the ring for 256. It is not to stay so for five seconds: the kernel's
// watchdog would complain.
class StuckCard {
  public:
    StuckCard();
    ~StuckCard();
    StuckCard(const StuckCard&) = delete;
    StuckCard& operator=(const StuckCard&) = delete;

    static constexpr const char* name = "eth0";
};

// The network device on a parallel port that somebody else has claimed, up: its driver returns NETDEV_TX_BUSY for every
// frame (drivers/net/plip/plip.c: plip_tx_packet). A qdisc tries again at once and for ever, so frames are to go past
// it. Gone again with the object. Throws where something of it fails.
class BusyDriver {
  public:
    BusyDriver();
    ~BusyDriver();
    BusyDriver(const BusyDriver&) = delete;
    BusyDriver& operator=(const BusyDriver&) = delete;

    static constexpr const char* name = "plip0";
    // Kernels for the cloud have no parallel ports, and tools/vm gives no other machine one.
    static bool is_possible();

  private:
    void claim();
    static void remove();

    Fd port_;
};

// Runs a command line of `ip` or `tc`; throws with what it said where it fails.
void configure(const std::string& command_line);

}  // namespace sockray::vm
