// Names of hosts and networks.
#pragma once

namespace sockray {

// libpcap asks the resolver for whatever it takes for a name, and a misspelt word is one. A tool that watches a machine
// must not send queries of its own: from here on the whole process looks names up in this machine's own files
// (/etc/hosts, /etc/networks) alone, and asks no nscd either (nss.h).
void keep_names_local();

}  // namespace sockray
