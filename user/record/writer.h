// Writes a session into a recording: a pcapng file with one frame a send (docs/recording.md).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "user/base/format.h"
#include "user/correlate/sink.h"
#include "user/record/comment.h"
#include "user/record/file_names.h"
#include "user/record/output_file.h"

namespace sockray {

struct RecordingOptions {
    std::string path;  // "-": standard output
    bool compress = false;
    Rotation rotation = {};
    std::uint32_t snaplen = 262144;
    int stop_fd = -1;  // see OutputFile::create
};

// How much of a session is in its files.
struct Recorded {
    std::uint64_t sends = 0;
    std::uint64_t frames = 0;  // of no send
    std::uint32_t files = 0;   // that these are in

    Recorded& operator+=(const Recorded& more) {
        sends += more.sends;
        frames += more.frames;
        files += more.files;
        return *this;
    }
};

// What is written waits in memory for at most a second or half a megabyte. When writing fails, the file ends
// behind the last send or frame that is whole in it, and nothing more is written: error() tells.
class RecordingWriter : public Sink {
  public:
    // Creates the first file. Errors: cannot be written.
    static Result<std::unique_ptr<RecordingWriter>> create(const RecordingOptions& options);
    ~RecordingWriter() override;

    // What is captured, to be described in each file whether a frame comes or not; before begin().
    void describe(const TapInterface& interface) { described_ = interface; }

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void send(const Send& send) override;
    void frame(const TapFrame& frame) override;
    void idle() override;
    // Writes the end; where error() is set then, the ending says what that took.
    void complete(Ending& ending) override;

    // Why writing ended before the session did.
    const std::optional<Error>& error() const { return error_; }
    // -G and -W: the time of the last file that was asked for is over. What comes until the end goes there too.
    bool is_full() const { return full_; }
    // error() says that what was written was taken away.
    bool is_gone() const { return gone_; }
    // What a reader finds in the files that are there: of what still waits in memory nothing, and nothing at all where
    // they were removed with their directory.
    Recorded recorded() const;
    // The file that is written, or was the last one.
    const std::string& path() const { return file_.path(); }

  private:
    enum class Part : std::uint8_t { socket, send, frame };

    RecordingWriter(const RecordingOptions& options, FileNames names, OutputFile file);
    void start_file();
    void next_file();
    void leave_file();
    void notice_removal();
    void rotate_if_due();
    void write_out();
    std::size_t piece_end(std::size_t from) const;
    void write_piece(std::size_t from, std::size_t to);
    void mark(Part part) { marks_.push_back({static_cast<std::uint32_t>(buffer_.size()), part}); }
    template <typename E>
    void put(const E& entry);
    void name_symbol(std::uint64_t address);
    void name_drop_reason(std::uint32_t number);
    std::uint32_t interface_of(const TapInterface& interface);
    std::uint32_t interface_of(const Send& send);
    std::uint64_t realtime(std::uint64_t ns) const;
    void put_end(const Ending& ending);
    CutShort cut_short() const;
    void put_row(std::uint64_t ns, std::uint32_t pid, std::string_view fields);

    RecordingOptions options_;
    FileNames files_;
    OutputFile file_;
    std::uint32_t file_index_ = 0;
    std::uint64_t file_began_ns_ = 0;
    std::uint64_t written_out_ns_ = 0;
    const Plan* plan_ = nullptr;
    const KernelNames* names_ = nullptr;
    std::optional<Comments> comments_;
    Origin origin_;
    // Some programs (editcap) only know interfaces that are described right behind the section header: so that waits
    // for the first frames.
    std::string head_;
    bool head_written_ = false;
    std::string buffer_;
    std::string entry_;        // reused
    fmt::memory_buffer text_;  // reused
    // What this file says already.
    std::unordered_set<std::uint64_t> symbols_;
    std::unordered_set<std::uint32_t> drop_reasons_;
    std::map<std::tuple<std::uint32_t, std::int32_t, std::string, std::uint16_t>, std::uint32_t> interfaces_;
    // Of the captured frame before: most are of the same interface.
    struct {
        TapInterface tap;
        std::optional<std::uint32_t> interface;
    } last_tapped_;
    // Of the send before: most go to the same device.
    struct {
        std::array<char, SR_IFNAME_LEN> name{};
        std::int32_t ifindex = 0;
        std::uint32_t netns_ino = 0;
        std::uint16_t dev_type = 0;
        std::optional<std::uint32_t> interface;
    } last_;
    std::optional<TapInterface> described_;
    std::optional<Error> error_;
    bool full_ = false;
    bool gone_ = false;
    // Of this file: what was put into it, and what of that a reader finds there.
    Recorded put_;
    Recorded kept_;
    Recorded earlier_;  // in the files before it, but for those of a ring
    Recorded told_;     // all, written or not
    Recorded removed_;  // with the files that a ring has no room for
    struct Earlier {
        std::string path;
        FileId id;
        Recorded kept;
    };
    std::deque<Earlier> ring_;  // the oldest first
    // Ends of sends, frames and sockets in buffer_.
    struct Mark {
        std::uint32_t end = 0;
        Part part = Part::socket;
    };
    std::vector<Mark> marks_;
};

}  // namespace sockray
