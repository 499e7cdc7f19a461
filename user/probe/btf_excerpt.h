// A part of a kernel's types that stands for itself.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

struct btf;

namespace sockray {

struct FreeBtf {
    void operator()(btf* types) const;
};

// Types that are taken, and all that lies inside of them; what a pointer points to lies outside, and is void.
class BtfExcerpt {
  public:
    // `from` must outlive it.
    explicit BtfExcerpt(const btf* from);

    // The type's number here. Each is taken once.
    std::uint32_t take(std::uint32_t id);

    // As in a file; empty where memory ran out.
    std::vector<std::uint8_t> bytes() const;

  private:
    std::uint32_t copy(std::uint32_t id);

    const btf* from_;
    std::unique_ptr<btf, FreeBtf> to_;
    std::unordered_map<std::uint32_t, std::uint32_t> taken_;
    std::uint32_t pointer_ = 0;  // the one for all
    bool failed_ = false;
};

}  // namespace sockray
