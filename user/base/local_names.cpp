#include "user/base/local_names.h"

#include <nss.h>

#include <initializer_list>

namespace sockray {

void keep_names_local() {
    // Once: each call keeps memory for good.
    static const bool done = [] {
        for (const char* database : {"hosts", "networks", "ethers"}) ::__nss_configure_lookup(database, "files");
        return true;
    }();
    (void)done;
}

}  // namespace sockray
