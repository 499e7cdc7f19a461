// The names that a recording tells of functions and drop reasons: so many, and so long ones, as limits.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "user/base/kernel_names.h"
#include "user/record/entry.h"

namespace sockray {

class RecordedNames : public KernelNames {
  public:
    // What was told last is right: each file of a session tells its names again.
    void add(SymbolEntry& entry);
    void add(DropReasonEntry& entry);

    std::string symbol(std::uint64_t address) const override;
    std::string drop_reason(std::uint32_t number) const override;

    // Names for which there was no room.
    std::uint64_t left_out() const { return left_out_; }

  private:
    template <typename Number>
    void add(std::unordered_map<Number, std::string>& to, Number number, std::string& name);

    std::unordered_map<std::uint64_t, std::string> symbols_;
    std::unordered_map<std::uint32_t, std::string> reasons_;
    std::size_t bytes_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace sockray
