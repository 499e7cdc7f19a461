// Messages as protoc decodes them (protobuf-compiler): the word of code that is not ours on what sockray wrote.
#pragma once

#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sockray::protoc {

inline bool is_installed() {
    return std::system("command -v protoc >/dev/null 2>&1") == 0;
}

// What protoc prints of `bytes`, a message `type` of `file` in `folder`; nothing where it refuses them.
inline std::optional<std::string> decode(const std::string& folder, const std::string& file, const std::string& type,
                                         std::string_view bytes) {
    std::string path = std::filesystem::temp_directory_path() / "sockray-protoc-XXXXXX";
    const int fd = ::mkstemp(path.data());
    if (fd < 0) return std::nullopt;
    ::close(fd);
    std::ofstream(path, std::ios::binary) << bytes;
    const std::string command =
        "protoc --proto_path='" + folder + "' --decode=" + type + " " + file + " <" + path + " >" + path + ".txt";
    const bool decoded = std::system(command.c_str()) == 0;
    std::stringstream text;
    text << std::ifstream(path + ".txt").rdbuf();
    ::unlink(path.c_str());
    ::unlink((path + ".txt").c_str());
    return decoded ? std::optional(text.str()) : std::nullopt;
}

// The lines of what protoc printed whose field has no name in its .proto.
inline std::vector<std::string> unknown_fields(const std::string& text) {
    std::vector<std::string> unknown;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        line.erase(0, line.find_first_not_of(' '));
        if (!line.empty() && std::isdigit(static_cast<unsigned char>(line[0]))) unknown.push_back(line);
    }
    return unknown;
}

// A message as protoc prints it: "key: value", or "key {" ... "}".
struct Message {
    std::multimap<std::string, std::string> values;
    std::multimap<std::string, Message> messages;

    std::string get(const std::string& key) const {
        const auto at = values.find(key);
        return at == values.end() ? "" : at->second;
    }
    const Message* child(const std::string& key) const {
        const auto at = messages.find(key);
        return at == messages.end() ? nullptr : &at->second;
    }
};

inline Message parse(std::istream& in) {
    Message message;
    for (std::string line; std::getline(in, line);) {
        line.erase(0, line.find_first_not_of(' '));
        if (line == "}") break;
        if (line.ends_with(" {"))
            message.messages.emplace(line.substr(0, line.size() - 2), parse(in));
        else if (const auto colon = line.find(": "); colon != std::string::npos)
            message.values.emplace(line.substr(0, colon), line.substr(colon + 2));
    }
    return message;
}

inline Message parse(const std::string& text) {
    std::istringstream in(text);
    return parse(in);
}

}  // namespace sockray::protoc
