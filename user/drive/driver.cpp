#include "user/drive/driver.h"

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
#include "user/base/format.h"
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

// The frames of a batch, one behind the other, and the TX ring that they are copied to.
Status check_memory(const DriveOptions& options) {
    const std::size_t frames = batch_of(options.socket) * (vnet_hdr_size + options.frames->longest());
    const std::size_t bytes = options.threads * (frames + ring_bytes(options.socket, options.frames->longest()));
    if (bytes <= max_drive_memory) return {};
    return usage(
        fmt::format("{} threads with batches of {} frames of {} bytes need {} MB of memory: at most {} MB are taken",
                    options.threads, batch_of(options.socket), options.frames->longest(), bytes >> 20,
                    max_drive_memory >> 20),
        "use a smaller --batch, --size or --threads");
}

}  // namespace

Status check_options(const DriveOptions& options) {
    const Interface& interface = options.interface;
    if (interface.hard_header_len != ethernet_header_size)
        return usage(fmt::format("{} has no Ethernet header (link type {}), and only Ethernet frames can be driven",
                                 printable_name(interface.name), interface.type),
                     "choose another interface");
    if (options.count == 0) return usage("a run of 0 sends sends nothing", "give a count from 1");
    if (!options.frames) return fail("the run has no frames");
    if (options.rate > Pacer::max_rate)
        return usage(
            fmt::format("{} sends per second are too many: at most {} can be asked for", options.rate, Pacer::max_rate),
            "leave the rate out to send as fast as it goes");
    if (options.threads == 0 || options.threads > max_drive_threads)
        return usage(
            fmt::format("cannot send from {} threads: 1 to {} are possible", options.threads, max_drive_threads));
    if (options.socket.type == SocketType::dgram && options.frames->shortest() < ethernet_header_size)
        return usage(
            fmt::format("a frame of {} bytes has no whole Ethernet header, and a dgram socket takes ethertype and "
                        "destination from there",
                        options.frames->shortest()),
            "use --socket raw");
    if (options.own_timing && options.rate) return usage("at a rate, and at the frames' own times: one of them only");
    if (options.own_timing && batch_of(options.socket) > 1)
        return usage("at its own time each frame has a call of its own: there is no batch",
                     "give a --rate, or no --batch");
    if (Status socket = check_socket(interface, options.socket); !socket) return socket;
    return check_memory(options);
}

struct Driver::Worker {
    Worker(std::size_t ring_events, const FrameSource& source, std::size_t batch, std::size_t the_header)
        : ring(ring_events),
          header(the_header),
          stride(header + source.longest()),
          buffer(batch * stride),
          frames(batch),
          events(batch) {
        const auto vnet = source.vnet_header();
        for (std::size_t i = 0; i < batch; ++i)
            std::copy_n(vnet.begin(), header, buffer.begin() + static_cast<std::ptrdiff_t>(i * stride));
    }

    EventRing ring;
    std::size_t header;                // bytes before each frame: of its virtio_net_hdr
    std::size_t stride;                // bytes of the longest frame with that
    std::vector<std::uint8_t> buffer;  // the frames of a batch
    std::vector<FrameBytes> frames;    // where they are in it
    std::vector<DriveEvent> events;    // what became of them
    std::uint32_t tid = 0;             // this and the next are written before the latch is reached
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
        workers_.push_back(std::make_unique<Worker>(ring_capacity(options_.threads, options_.ahead), *options_.frames,
                                                    batch_of(options_.socket),
                                                    options_.socket.vnet_hdr ? vnet_hdr_size : 0));
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
    const auto sender = FrameSender::open(options_.interface, options_.socket, options_.frames->longest());
    if (!sender) {
        worker.error = sender.error();
        stop_.store(true, std::memory_order_relaxed);
    } else if (options_.opened) {
        options_.opened();
    }
    opened_->arrive_and_wait();
    if (sender) send_all(worker, **sender);
    worker.ended.store(true, std::memory_order_relaxed);
    running_.fetch_sub(1, std::memory_order_release);
}

// The send loop. Room for the events is found before the sends, so that no send goes without one.
void Driver::send_all(Worker& worker, FrameSender& sender) {
    std::uint64_t first = 0;
    while (wait_for_room(worker)) {
        const std::size_t count = take_numbers(first);
        if (count == 0 || !wait_until_due(first)) return;
        send_batch(worker, sender, first, count);
    }
}

// The next numbers of the run, as many as a call may take. Returns how many; 0: the run is over.
std::size_t Driver::take_numbers(std::uint64_t& first) {
    const unsigned batch = batch_of(options_.socket);
    first = last_number_.fetch_add(batch, std::memory_order_relaxed) + 1;
    if (first > options_.count) return 0;
    return std::min<std::uint64_t>(batch, options_.count - first + 1);
}

void Driver::send_batch(Worker& worker, FrameSender& sender, std::uint64_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto room = std::span(worker.buffer).subspan(i * worker.stride, worker.stride);
        const std::size_t size = options_.frames->compose(first + i, room.subspan(worker.header));
        worker.frames[i] = room.first(worker.header + size);
    }
    // More than one call where the kernel stopped within the batch.
    for (std::size_t done = 0; done < count && !stopping();) {
        const auto frames = std::span<const FrameBytes>(worker.frames).subspan(done, count - done);
        const auto events = std::span(worker.events).first(frames.size());
        const SendCall call = sender.send(frames, events);
        for (std::size_t i = 0; i < call.frames; ++i) {
            events[i].number = first + done + i;
            events[i].tid = worker.tid;
            events[i].before_ns = call.before_ns;
            events[i].after_ns = call.after_ns;
        }
        worker.ring.push(events.first(call.frames));
        done += call.frames;
    }
}

// False: the run is to end.
bool Driver::wait_for_room(Worker& worker) const {
    while (!stopping()) {
        if (worker.ring.has_room(worker.events.size())) return true;
        std::this_thread::sleep_for(full_ring_pause);
    }
    return false;
}

// When a send is due at the frames' own times, counted from when the first thread asked. What is late goes at once.
std::uint64_t Driver::own_due_ns(std::uint64_t number, std::uint64_t now_ns) {
    std::uint64_t start = start_ns_.load(std::memory_order_relaxed);
    if (start == 0 && start_ns_.compare_exchange_strong(start, now_ns, std::memory_order_relaxed)) start = now_ns;
    const std::uint64_t due = start + options_.frames->due_ns(number);
    return due < start ? UINT64_MAX : due;
}

// False: the run is to end.
bool Driver::wait_until_due(std::uint64_t number) {
    if (!pacer_ && !options_.own_timing) return true;
    std::uint64_t now = monotonic_ns();
    const std::uint64_t due = pacer_ ? pacer_->due_ns(number, now) : own_due_ns(number, now);
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
