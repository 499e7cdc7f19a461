// Drives traffic: threads that send numbered frames through packet sockets of their own and say how each send
// went.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <vector>

#include "user/base/result.h"
#include "user/drive/event.h"
#include "user/drive/frame.h"
#include "user/drive/interface.h"
#include "user/drive/pacer.h"
#include "user/drive/sender.h"
#include "user/drive/socket.h"

namespace sockray {

struct DriveOptions {
    Interface interface;
    std::uint64_t count = 1;                    // sends of the whole run, from 1
    std::shared_ptr<const FrameSource> frames;  // not null
    // Sends per second of all threads together; 0: as fast as it goes. Where a call takes several frames they leave
    // when the first is due.
    std::uint64_t rate = 0;
    bool own_timing = false;  // when FrameSource::due_ns() says, instead of a rate
    SocketOptions socket;
    unsigned threads = 1;  // 1 to max_drive_threads
    // Called by each thread that has its socket, before it sends: what only opening it took can be given up here.
    std::function<void()> opened = {};
    std::uint64_t ahead = 0;  // sends, of all threads together, that may be ahead of drain(); 0: as many as fit. At
                              // least 1024 a thread
};

inline constexpr unsigned max_drive_threads = 256;

// What the frames of all threads' batches and their TX rings may take.
inline constexpr std::size_t max_drive_memory = std::size_t{1} << 30;

// Whether a run with these options makes sense; `usage` with the reason if not. Opens and sends nothing.
Status check_options(const DriveOptions& options);

// One run. Belongs to the thread that made it, which alone calls its methods unless they say otherwise.
//
//   Driver driver(options);
//   if (Status started = driver.start(); !started) ...
//   while (!driver.finished()) { driver.drain(events); ...wait a little, call stop() on Ctrl-C... }
//   driver.drain(events);
class Driver {
  public:
    // Does nothing yet.
    explicit Driver(DriveOptions options);
    // Stops the run; events that were not drained are gone.
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    Driver(Driver&&) = delete;
    Driver& operator=(Driver&&) = delete;

    // Launches the threads in the network namespace of the calling thread and returns when each has opened
    // its socket; then they begin to send. Where one cannot, none sends, all end, and the error says why.
    // Call it once. Sets the process' handler of one realtime signal (SIGRTMIN + 5), and leaves it set: it
    // does nothing.
    Status start();

    // Ends the run now and returns when all threads have ended. A send that blocks is interrupted: it is an
    // event with EINTR (or with what it managed to send; see DriveEvent for what a call of several frames tells).
    // Numbers that threads held but had not sent yet stay unused. Does nothing where the run is over. Events can still
    // be drained.
    void stop();

    // Whether all threads have ended, by count, stop() or failure to start: what drain() finds after this
    // said true is the rest. Any thread may call it.
    bool finished() const { return running_.load(std::memory_order_acquire) == 0; }

    // Appends the events since the last call and returns how many; those of one thread are in the order of
    // its sends, with ascending numbers. A sender whose ring is full waits for this call, so call it often: a
    // ring holds 65536 events of its thread with up to 16 threads, 4096 at the least, or what `ahead` says. One thread
    // at a time, not necessarily the owner.
    std::size_t drain(std::vector<DriveEvent>& events);

    // The thread ids of the senders, as gettid() gives them; empty before start() and after a failed one.
    std::vector<std::uint32_t> tids() const;

  private:
    struct Worker;

    void run(Worker& worker);
    void send_all(Worker& worker, FrameSender& sender);
    std::size_t take_numbers(std::uint64_t& first);
    void send_batch(Worker& worker, FrameSender& sender, std::uint64_t first, std::size_t count);
    bool wait_for_room(Worker& worker) const;
    bool wait_until_due(std::uint64_t number);
    std::uint64_t own_due_ns(std::uint64_t number, std::uint64_t now_ns);
    Status launch();
    bool stopping() const { return stop_.load(std::memory_order_relaxed); }

    const DriveOptions options_;
    std::optional<Pacer> pacer_;  // none where the rate is unlimited
    std::vector<std::unique_ptr<Worker>> workers_;
    std::optional<std::latch> opened_;  // reached when each thread has tried to open its socket
    std::atomic<std::uint64_t> last_number_{0};
    std::atomic<std::uint64_t> start_ns_{0};  // of the frames' own timing; 0: not started
    std::atomic<unsigned> running_{0};
    std::atomic<bool> stop_{false};
};

}  // namespace sockray
