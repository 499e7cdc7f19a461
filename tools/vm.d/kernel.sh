# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/vm and its other parts
# From a kernel's name ("6.12-rt") to its unpacked files in the cache. Sourced by tools/vm.
#
# kernel_select NAME   sets kernel_name kernel_series kernel_flavour, and what arch_select sets
# kernel_resolve       sets kernel_package kernel_version kernel_size: the newest that apt knows; empty if none
# kernel_ensure        resolves, fetches, unpacks; sets kernel_dir (vmlinuz, config, System.map, release, lib/modules)
# kernel_debug_vmlinux prints the path of the vmlinux with DWARF

kernel_names=(6.1-cloud 6.1-generic 6.1-rt 6.12-cloud 6.12-generic 6.12-rt 6.1-arm64 6.12-arm64)

# Modules that go into the guest, as paths below lib/modules/RELEASE/kernel, with what they depend on.
kernel_modules=(
    drivers/virtio
    drivers/char/virtio_console drivers/char/hw_random/virtio-rng
    drivers/net/veth drivers/net/dummy drivers/net/tun drivers/net/tap drivers/net/ifb drivers/net/nlmon
    drivers/net/macvlan drivers/net/macvtap drivers/net/ipvlan drivers/net/vrf drivers/net/bonding drivers/net/team
    drivers/net/vxlan drivers/net/geneve drivers/net/netkit drivers/net/virtio_net drivers/net/net_failover
    drivers/net/netdevsim drivers/net/plip drivers/parport/parport_pc drivers/char/ppdev
    net/core net/sched net/8021q net/802 net/llc net/bridge/bridge net/packet net/netlink net/unix net/xdp
    net/netfilter/nf_tables crypto/crc32c_generic net/netfilter/nft_fwd_netdev net/netfilter/nft_dup_netdev net/hsr/hsr
)

kernel_select() {
    case $1 in
    6.1 | 6.12) kernel_name=$1-cloud ;;
    *) kernel_name=$1 ;;
    esac
    local known
    for known in "${kernel_names[@]}"; do
        [[ $known == "$kernel_name" ]] || continue
        kernel_series=${kernel_name%%-*}
        kernel_flavour=${kernel_name#*-}
        if [[ $kernel_flavour == arm64 ]]; then
            kernel_flavour=cloud
            arch_select arm64
        else
            arch_select amd64
        fi
        return
    done
    die 2 "no kernel '$1'" "known: 6.1 6.12 ${kernel_names[*]}"
}

# Matches this kernel's package names. Behind the series stands ".0-56" or ".117+deb12", then the flavour.
kernel_package_pattern() {
    local suffix=$arch_suffix
    [[ $kernel_flavour == generic ]] || suffix=$kernel_flavour-$arch_suffix
    echo "^linux-image-${kernel_series//./\\.}\\.[0-9][0-9.+a-z~]*(-[0-9]+)?-$suffix"
}

# What apt's answer depends on; asking apt takes over a second, comparing this takes none.
kernel_apt_stamp() {
    local L=/var/lib/apt/lists/
    eval "$(apt-config "${arch_apt[@]}" shell L Dir::State::lists/d)"
    echo "3 $L $(stat -c %Y -- "$L" /etc/apt /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/preferences.d \
        2>/dev/null | tr '\n' ' ' || true)"
}

kernel_resolve() {
    kernel_package='' kernel_version='' kernel_size=''
    if ! command -v apt-cache >/dev/null; then
        verbose "no apt-cache here: only kernels that are in the cache already"
        return
    fi
    local memo=$cache/resolved/$kernel_name-$arch_suffix stamp saved=''
    stamp=$(kernel_apt_stamp)
    if [[ -r $memo ]]; then
        { IFS= read -r saved && read -r kernel_package kernel_version kernel_size; } <"$memo" || true
        [[ $saved != "$stamp" || -z $kernel_size ]] || return 0
        kernel_package='' kernel_version='' kernel_size='' # of other lists
    fi

    # The names of one flavour, newest first; a name without a version to install is one that apt only heard of.
    local candidate=''
    for candidate in $(apt-cache "${arch_apt[@]}" pkgnames "linux-image-$kernel_series." | grep -E "$(kernel_package_pattern)\$" |
        sort -rV || true); do
        { read -r kernel_version && read -r kernel_size; } < <(
            apt-cache "${arch_apt[@]}" show --no-all-versions "$candidate" 2>/dev/null |
                awk '/^Version: /{v=$2} /^Size: /{s=$2} /^$/{exit} END{print v; print s}'
        ) || true
        [[ -z $kernel_version || -z $kernel_size ]] || break
    done
    if [[ -z $kernel_version || -z $kernel_size ]]; then
        kernel_version='' kernel_size=''
        return
    fi
    kernel_package=$candidate
    mkdir -p "$cache/resolved"
    printf '%s\n' "$stamp" "$kernel_package $kernel_version $kernel_size" >"$memo.$$"
    mv -f "$memo.$$" "$memo"
}

# The newest kernel of this name that is unpacked in the cache, as PACKAGE_VERSION, or nothing.
kernel_newest_cached() {
    [[ -d $cache/kernels ]] || return 0
    find "$cache/kernels" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' |
        grep -E "$(kernel_package_pattern)_[^_]*\$" | sort -V | tail -n 1 || true
}

# Unpacked, and with the modules that are asked for today.
kernel_is_whole() {
    [[ -n $kernel_package && -e $kernel_dir/release && -r $kernel_dir/modules && $(<"$kernel_dir/modules") == "${kernel_modules[*]}" ]]
}

# Fetches the newest kernel that apt knows into kernel_dir, where it is not there: kernel_is_whole then. Not for use in a
# condition (with_lock).
kernel_newest() {
    kernel_resolve
    kernel_dir=$cache/kernels/${kernel_package}_$kernel_version
    [[ -n $kernel_package ]] || return 0
    kernel_is_whole || with_lock "kernel-$kernel_name" kernel_fetch
}

# Old package lists know no kernel, or name one that is gone. Whoever may renew them does.
kernel_may_renew_lists() {
    [[ $EUID == 0 && -z $arch_root ]] && command -v apt-get >/dev/null
}

kernel_update_apt() {
    apt-get -q update >"$cache/apt-update.log" 2>&1 || say "apt-get update failed; its words are in $cache/apt-update.log"
}

kernel_renew_lists() {
    say "apt-get update: its lists know no $kernel_name kernel that can be fetched"
    with_lock apt-lists kernel_update_apt
}

kernel_ensure() {
    [[ -z $arch_root ]] || foreign_index
    kernel_newest
    if ! kernel_is_whole && kernel_may_renew_lists; then
        kernel_renew_lists
        kernel_newest
    fi
    ! kernel_is_whole || return 0

    local older reason
    older=$(kernel_newest_cached)
    if [[ -n $kernel_package ]]; then
        reason="$kernel_package $kernel_version could not be fetched"
    else
        reason="apt knows no $kernel_name kernel"
    fi
    if [[ -n $older ]]; then
        say "$reason; using the cached ${older/_/ } instead"
        kernel_dir=$cache/kernels/$older
        return
    fi
    die 125 "no kernel $kernel_name: $reason, and none is in $cache/kernels" "$(kernel_remedy)"
}

kernel_remedy() {
    if ! command -v apt-get >/dev/null; then
        echo "tools/vm fetches Debian kernels with apt-get, which this machine does not have"
    elif [[ -n $kernel_package ]]; then
        echo "the package lists may be out of date: run 'apt-get update' as root, then try again"
    else
        echo "run 'apt-get update' as root; 'apt-cache search linux-image-$kernel_series' must then list kernels" \
            "(Debian 12 with its security and updates suites does)"
    fi
}

# Runs apt-get download in the current directory; false, with apt's words on stderr, if that failed.
apt_download() {
    local options=("${arch_apt[@]}")
    # As root, apt drops to a user who may not write here, and warns about it.
    [[ $EUID != 0 ]] || options+=(-o APT::Sandbox::User=root)
    if ! apt-get "${options[@]}" -q download "$1" >"apt.log" 2>&1; then
        say "apt-get download $1 failed:"
        tail -n 5 apt.log | sed 's/^/    /' >&2
        return 1
    fi
}

# Under the lock. Fetches and unpacks into kernel_dir; leaves it as it was when the download failed. What else fails ends
# tools/vm: nothing of it is in the cache then.
kernel_fetch() {
    if kernel_is_whole; then return; fi
    need apt-get apt
    need dpkg-deb dpkg
    need depmod kmod
    local work release module modules
    mkdir -p "$cache/kernels"
    work=$(mktemp -d "$cache/kernels/.unpack.XXXXXX")
    remove_at_exit "$work"
    say "fetching $kernel_package $kernel_version ($(megabytes "$kernel_size"))"
    if ! (cd "$work" && apt_download "$kernel_package=$kernel_version"); then
        rm -rf -- "$work"
        return 0
    fi

    verbose "unpacking"
    mkdir "$work/all" "$work/kernel"
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work/all" --no-same-owner ./boot ./lib/modules
    release=$(ls "$work/all/lib/modules")
    [[ -z $(find "$work/all/lib/modules" -name '*.ko.xz' -print -quit) ]] || need xz xz-utils
    [[ -z $(find "$work/all/lib/modules" -name '*.ko.zst' -print -quit) ]] || need zstd zstd
    depmod -b "$work/all" -F "$work/all/boot/System.map-$release" "$release" 2>/dev/null || depmod -b "$work/all" "$release"

    # modules.dep has one line a module, "path: all it depends on, transitively".
    modules=$work/all/lib/modules/$release
    printf '%s\n' "${kernel_modules[@]}" | awk '
        NR == FNR { want[$1]; next }
        {
            path = $1
            sub(/:$/, "", path)
            for (w in want) {
                prefix = "kernel/" w
                rest = substr(path, length(prefix) + 1)
                if (index(path, prefix) == 1 && rest ~ /^(\/|\.ko)/) {
                    print path
                    for (i = 2; i <= NF; i++) print $i
                    break
                }
            }
        }' - "$modules/modules.dep" | sort -u >"$work/modules"
    while read -r module; do
        mkdir -p "$work/kernel/lib/modules/$release/${module%/*}"
        # busybox's modprobe and insmod take plain files best, and unpacking here is faster than in the guest.
        case $module in
        *.xz) xz -dc "$modules/$module" >"$work/kernel/lib/modules/$release/${module%.xz}" ;;
        *.zst) zstd -qdc "$modules/$module" >"$work/kernel/lib/modules/$release/${module%.zst}" ;;
        *) cp "$modules/$module" "$work/kernel/lib/modules/$release/$module" ;;
        esac
    done <"$work/modules"
    cp "$modules"/modules.builtin* "$modules/modules.order" "$work/kernel/lib/modules/$release/"
    depmod -b "$work/kernel" "$release" 2>/dev/null
    mv "$work/all/boot/vmlinuz-$release" "$work/kernel/vmlinuz"
    mv "$work/all/boot/config-$release" "$work/kernel/config"
    mv "$work/all/boot/System.map-$release" "$work/kernel/System.map"
    printf '%s\n' "$release" >"$work/kernel/release"
    printf '%s\n' "${kernel_modules[*]}" >"$work/kernel/modules"
    chmod -R u+rwX,go+rX "$work/kernel"
    rm -rf -- "$kernel_dir"
    mv "$work/kernel" "$kernel_dir"
    rm -rf -- "$work"
    say "unpacked into $kernel_dir"
}

kernel_debug_vmlinux() {
    kernel_ensure
    local debug_vmlinux=$cache/dbg/${kernel_dir##*/}/vmlinux
    [[ -e $debug_vmlinux ]] || with_lock "dbg-$kernel_name" kernel_fetch_debug "$debug_vmlinux"
    [[ -e $debug_vmlinux ]] ||
        die 125 "no debug vmlinux for $kernel_name: the package could not be fetched" "$(kernel_remedy)"
    printf '%s\n' "$debug_vmlinux"
}

kernel_fetch_debug() {
    local target=$1
    [[ ! -e $target ]] || return 0
    need apt-get apt
    need dpkg-deb dpkg
    local id=${kernel_dir##*/} work package version size
    package=${id%%_*}-dbg version=${id#*_}
    mkdir -p "$cache/dbg"
    work=$(mktemp -d "$cache/dbg/.unpack.XXXXXX")
    remove_at_exit "$work"
    size=$(apt-cache "${arch_apt[@]}" show "$package=$version" 2>/dev/null | awk '/^Size: /{print $2; exit}') || true
    say "fetching $package $version (${size:+$(megabytes "$size")})"
    if ! (cd "$work" && apt_download "$package=$version"); then
        rm -rf -- "$work"
        return 0
    fi
    verbose "extracting the vmlinux"
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -xO "./usr/lib/debug/boot/vmlinux-$(<"$kernel_dir/release")" >"$work/vmlinux"
    mkdir -p "${target%/*}"
    mv "$work/vmlinux" "$target"
    rm -rf -- "$work"
}

# What --list prints.
kernel_list() {
    local name state
    printf '%-13s %-46s %-22s %s\n' KERNEL PACKAGE VERSION STATE
    for name in "${kernel_names[@]}"; do
        kernel_select "$name"
        kernel_resolve
        if [[ -z $kernel_package ]]; then
            state=$(kernel_newest_cached)
            printf '%-13s %-46s %-22s %s\n' "$name" - - "${state:+cached: ${state/_/ }}"
            continue
        fi
        if [[ -e $cache/kernels/${kernel_package}_$kernel_version/release ]]; then
            state=cached
        else
            state="$(megabytes "$kernel_size") to fetch"
        fi
        [[ ! -e $cache/dbg/${kernel_package}_$kernel_version/vmlinux ]] || state+=", debug vmlinux cached"
        printf '%-13s %-46s %-22s %s\n' "$name" "$kernel_package" "$kernel_version" "$state"
    done
}
