// The sends that a sockray makes of its own as it begins, to check and to time its hooks.
#pragma once

namespace sockray {

// The name (comm) of the thread that makes them: another sockray that traces meanwhile tells them under it.
inline constexpr const char* private_sender_name = "sockray-check";

}  // namespace sockray
