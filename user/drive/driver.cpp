#include "user/drive/driver.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "user/base/clock.h"
#include "user/drive/event_ring.h"

namespace sockray {
namespace {

constexpr std::uint64_t spin_ns = 50'000;  // going to sleep and waking up takes a good part of this
constexpr auto full_ring_pause = std::chrono::microseconds(100);
constexpr auto signal_again = std::chrono::milliseconds(1);

constexpr std::size_t max_ring_events = std::size_t{1} << 16;
constexpr std::size_t min_ring_events = 1024;
constexpr std::size_t all_rings_events = std::size_t{1} << 20;  // 48 MB

std::size_t ring_capacity(unsigned threads, std::uint64_t ahead) {
    const std::size_t most = std::min(max_ring_events, std::bit_floor(all_rings_events / threads));
    if (ahead == 0) return most;
    return std::clamp(std::bit_floor(std::size_t{ahead} / threads), min_ring_events, most);
}

int interrupt_signal() {
    return SIGRTMIN + 5;  // not a constant: the C library keeps the first ones
}

// Never undone: a second Driver may rely on it, and without a handler the signal would end the process.
void install_interrupt_handler() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = 0;  // no SA_RESTART: a blocked send is to end
    ::sigaction(interrupt_signal(), &action, nullptr);
}

// Other signals are for the process' other threads: here they would cut short a blocked send.
void block_all_but_interrupt() {
    sigset_t signals;
    ::sigfillset(&signals);
    ::sigdelset(&signals, interrupt_signal());
    ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

}  // namespace

Status check_options(const DriveOptions& options) {
    const Interface& interface = options.interface;
    if (interface.hard_header_len != ethernet_header_size)
        return usage(fmt::format("{} has no Ethernet header (link type {}), and only Ethernet frames can be driven",
                                 printable_name(interface.name), interface.type),
                     "choose another interface");
    if (options.count == 0) return usage("a run of 0 sends sends nothing", "give a count from 1");
    if (Status size = check_frame_size(options.frame_size); !size) return size;
    if (options.rate > Pacer::max_rate)
        return usage(
            fmt::format("{} sends per second are too many: at most {} can be asked for", options.rate, Pacer::max_rate),
            "leave the rate out to send as fast as it goes");
    if (options.threads == 0 || options.threads > max_drive_threads)
        return usage(
            fmt::format("cannot send from {} threads: 1 to {} are possible", options.threads, max_drive_threads));
    if (options.cookie_magic == 0) return fail("the run has no cookie magic: 0 marks frames that are not sockray's");
    return check_method(interface, options.socket_type, options.method);
}

struct Driver::Worker {
    Worker(std::size_t ring_events, std::vector<std::uint8_t> the_frame)
        : ring(ring_events), frame(std::move(the_frame)) {}

    EventRing ring;
    std::vector<std::uint8_t> frame;
    std::uint32_t tid = 0;  // this and the next are written before the latch is reached
    std::optional<Error> error;
    std::atomic<bool> ended{false};
    std::thread thread;
};

Driver::Driver(DriveOptions options) : options_(std::move(options)) {}

Driver::~Driver() {
    stop();
}

Status Driver::start() {
    if (Status valid = check_options(options_); !valid) return valid;
    install_interrupt_handler();
    if (options_.rate > 0) pacer_.emplace(options_.rate);
    for (unsigned i = 0; i < options_.threads; ++i)
        workers_.push_back(
            std::make_unique<Worker>(ring_capacity(options_.threads, options_.ahead),
                                     build_frame(options_.interface, options_.frame_size, options_.cookie_magic)));
    opened_.emplace(options_.threads);
    Status status = launch();
    opened_->wait();
    for (const auto& worker : workers_)
        if (status && worker->error) status = tl::unexpected(*worker->error);
    if (!status) {
        stop();
        workers_.clear();
    }
    return status;
}

// Starts the threads. Where one cannot be started the latch is counted down in its stead, so that the others
// go on to find that the run is to end.
Status Driver::launch() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker& worker = *workers_[i];
        running_.fetch_add(1, std::memory_order_relaxed);
        try {
            worker.thread = std::thread([this, &worker] { run(worker); });
        } catch (const std::system_error& error) {
            running_.fetch_sub(1, std::memory_order_relaxed);
            stop_.store(true, std::memory_order_relaxed);
            opened_->count_down(static_cast<std::ptrdiff_t>(workers_.size() - i));
            return fail(fmt::format("cannot start sending thread {} of {}: {}", i + 1, workers_.size(), error.what()),
                        "use fewer threads");
        }
    }
    return {};
}

void Driver::run(Worker& worker) {
    block_all_but_interrupt();
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL,
            0UL);  // 1 ns instead of 50 us: wake in time for a send that is due
    worker.tid = static_cast<std::uint32_t>(::gettid());
    const Result<PacketSocket> socket = PacketSocket::open(options_.interface, options_.socket_type, options_.method);
    if (!socket) {
        worker.error = socket.error();
        stop_.store(true, std::memory_order_relaxed);
    }
    opened_->arrive_and_wait();
    if (socket) send_all(worker, *socket);
    worker.ended.store(true, std::memory_order_relaxed);
    running_.fetch_sub(1, std::memory_order_release);
}

// The send loop. Room for the event is found before the send, so that no send goes without one.
void Driver::send_all(Worker& worker, const PacketSocket& socket) {
    DriveEvent event;
    event.tid = worker.tid;
    while (wait_for_room(worker)) {
        event.number = last_number_.fetch_add(1, std::memory_order_relaxed) + 1;
        if (event.number > options_.count || !wait_until_due(event.number)) return;
        set_number(worker.frame, event.number);
        event.before_ns = monotonic_ns();
        event.ret = socket.send(worker.frame);
        event.err = event.ret < 0 ? errno : 0;
        event.after_ns = monotonic_ns();
        worker.ring.push(event);
    }
}

// False: the run is to end.
bool Driver::wait_for_room(Worker& worker) const {
    while (!stopping()) {
        if (worker.ring.has_room()) return true;
        std::this_thread::sleep_for(full_ring_pause);
    }
    return false;
}

// False: the run is to end.
bool Driver::wait_until_due(std::uint64_t number) {
    if (!pacer_) return true;
    std::uint64_t now = monotonic_ns();
    const std::uint64_t due = pacer_->due_ns(number, now);
    for (; now < due && !stopping(); now = monotonic_ns()) {
        if (due - now < spin_ns) continue;
        const timespec until{static_cast<time_t>(due / 1'000'000'000), static_cast<long>(due % 1'000'000'000)};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);  // stop()'s signal ends it early
    }
    return !stopping();
}

void Driver::stop() {
    stop_.store(true, std::memory_order_relaxed);
    for (const auto& worker : workers_) {
        if (!worker->thread.joinable()) continue;
        // Again and again: a signal that comes just before the system call blocks interrupts nothing.
        while (!worker->ended.load(std::memory_order_relaxed)) {
            ::pthread_kill(worker->thread.native_handle(), interrupt_signal());
            std::this_thread::sleep_for(signal_again);
        }
        worker->thread.join();
    }
}

std::size_t Driver::drain(std::vector<DriveEvent>& events) {
    std::size_t count = 0;
    for (const auto& worker : workers_) count += worker->ring.drain(events);
    return count;
}

std::vector<std::uint32_t> Driver::tids() const {
    std::vector<std::uint32_t> tids;
    for (const auto& worker : workers_) tids.push_back(worker->tid);
    return tids;
}

}  // namespace sockray
