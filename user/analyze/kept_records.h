// Records that are kept whole, to be shown one by one: of each kind only so many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/records.h"
#include "user/analyze/reason_text.h"
#include "user/correlate/send.h"

namespace sockray {

// The sends that took longest.
class SlowestSends {
  public:
    static constexpr std::size_t kept = 10;

    struct Timed {
        std::uint64_t ns = 0;
        Send send;
    };

    // `ns`: how long it took. Of sends that took as long, those with the lowest ids are kept.
    void add(const Send& send, std::uint64_t ns);

    // The slowest first.
    std::vector<Timed> sorted() const;

  private:
    std::vector<Timed> heap_;  // the least slow on top
};

// The first sends of each reason for which sends were not delivered.
class UndeliveredSends {
  public:
    static constexpr std::size_t kept_reasons = 24;
    static constexpr std::size_t kept_of_each = 2;

    // Delivered sends are passed over.
    void add(const Send& send);

    // By reason, in the order first seen.
    const std::vector<Send>& all() const { return sends_; }
    std::uint64_t others() const { return others_; }  // seen, and not kept

  private:
    struct Reason {
        Outcome outcome = Outcome::unknown;
        ReasonText words;
        std::size_t kept = 0;  // of sends_
    };
    std::vector<Send> sends_;
    std::vector<Reason> reasons_;
    std::uint64_t others_ = 0;
};

// The first sockets that were created.
class FirstSockets {
  public:
    static constexpr std::size_t kept = 100;

    struct Socket {
        std::uint64_t id = 0;
        sr_socket record{};
    };

    void add(const sr_socket& record, std::uint64_t id);

    const std::vector<Socket>& all() const { return sockets_; }
    std::uint64_t others() const { return others_; }  // seen, and not kept

  private:
    std::vector<Socket> sockets_;
    std::uint64_t others_ = 0;
};

}  // namespace sockray
