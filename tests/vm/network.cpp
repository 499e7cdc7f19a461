#include "tests/vm/network.h"

#include <fcntl.h>
#include <linux/ppdev.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>

#include "tests/vm/process.h"

namespace sockray::vm {
namespace {

std::string& problem() {
    static std::string text;
    return text;
}

}  // namespace

void configure(const std::string& command_line) {
    const Completed done = run({"sh", "-c", command_line});
    if (done.status != 0) throw std::runtime_error(command_line + ": " + done.err + done.out);
}

std::string enter_network() {
    if (::unshare(CLONE_NEWNET) != 0) return problem() = std::string("unshare: ") + std::strerror(errno);
    try {
        // Not through sysctl(8), which a guest need not have. A kernel without IPv6 has no such file.
        configure(
            "for f in all default; do f=/proc/sys/net/ipv6/conf/$f/disable_ipv6; "
            "[ ! -e $f ] || echo 1 > $f; done");
        configure("ip link set lo up");
        configure("ip link add veth0 type veth peer name veth1");
        configure("ip addr add 10.9.0.1/24 dev veth0");
        configure("ip link set veth0 up && ip link set veth1 up");
    } catch (const std::exception& error) {
        problem() = error.what();
    }
    return problem();
}

std::string network_problem() {
    return problem();
}

VethPair::VethPair(const std::string& name, bool up, bool peer_up) : name_(name) {
    configure("ip link add " + this->name() + " type veth peer name " + peer());
    if (up) configure("ip link set " + this->name() + " up");
    if (peer_up) configure("ip link set " + peer() + " up");
}

VethPair::~VethPair() {
    run({"ip", "link", "del", name()});
}

// A new device comes up in the network namespace of the guest's first process.
StuckCard::StuckCard() {
    const std::string device = name;
    if (::if_nametoindex(name) == 0) {
        configure("modprobe virtio_pci && modprobe virtio_net");
        configure("nsenter -t 1 -n ip link set " + device + " netns " + std::to_string(::getpid()));
    }
    configure("ip link set " + device + " up");
    // Its carrier comes a moment later.
    configure("for i in 1 2 3 4 5 6 7 8 9 10; do ip -o link show " + device +
              " | grep -q LOWER_UP && exit 0; sleep 0.2; done; exit 1");
}

StuckCard::~StuckCard() {
    run({"ip", "link", "set", name, "down"});
}

bool BusyDriver::is_possible() {
    return run({"modprobe", "parport_pc"}).status == 0 && run({"modprobe", "plip"}).status == 0;
}

BusyDriver::BusyDriver() {
    try {
        claim();
    } catch (...) {
        remove();
        throw;
    }
}

void BusyDriver::claim() {
    configure("modprobe ppdev && modprobe parport_pc && modprobe plip");
    configure(std::string("nsenter -t 1 -n ip link set ") + name + " netns " + std::to_string(::getpid()));
    configure(std::string("ip link set ") + name + " up");
    // It gives the port up while no frame is on its way (plip_preempt).
    port_ = Fd(::open("/dev/parport0", O_RDWR | O_CLOEXEC));
    if (!port_ || ::ioctl(port_.get(), PPCLAIM) != 0)
        throw std::runtime_error(std::string("/dev/parport0: ") + std::strerror(errno));
}

void BusyDriver::remove() {
    run({"ip", "link", "set", name, "down"});
    run({"rmmod", "plip"});
}

BusyDriver::~BusyDriver() {
    remove();
}

void VethPair::set_qdisc(const std::string& words) const {
    configure("tc qdisc add dev " + name() + " root " + words);
}

}  // namespace sockray::vm
