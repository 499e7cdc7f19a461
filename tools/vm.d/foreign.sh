# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/vm and its other parts
# Another architecture than this machine's: its packages, and a folder with its programs, libraries and headers. The
# guest's programs come from there, and cross builds take it as their sysroot (tools/cmake/arm64.cmake). Nothing of this
# machine's own dpkg and apt is touched: apt keeps lists of its own for it, and packages are unpacked, not installed.
# Sourced by tools/vm.
#
# foreign_select ARCH   sets arch_root arch_apt
# foreign_index         apt's lists are there, not older than a day where they can be fetched
# foreign_ensure        the folder arch_root is there
# foreign_libraries ELF...   the libraries that these need and the loader, one path in arch_root a line

# What guests run (see base_programs, and what tools/test brings), and what sockray is built and tested with.
foreign_packages=(
    busybox-static dash bash coreutils findutils util-linux
    iproute2 iputils-arping netsniff-ng tcpreplay isc-dhcp-client strace tcpdump bpftool nftables
    libc6-dev libstdc++6 libbpf-dev libelf-dev zlib1g-dev libcapstone-dev libcap-ng-dev libpcap-dev libtins-dev libcli11-dev libfmt-dev
    libexpected-dev libprotozero-dev libzstd-dev libgtest-dev nlohmann-json3-dev
)

foreign_select() {
    local state=$cache/$1/apt
    arch_root=$cache/$1/root
    arch_apt=(
        -o "APT::Architecture=$1" -o "APT::Architectures=$1" -o APT::Install-Recommends=false -o Acquire::Languages=none
        -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache"
    )
    # As root, apt drops to a user who may not write there, and warns about it.
    [[ $EUID != 0 ]] || arch_apt+=(-o APT::Sandbox::User=root)
}

foreign_index() {
    local state=$cache/$arch_suffix/apt
    [[ -z $(find "$state/fresh" -mmin -1440 2>/dev/null) ]] || return 0
    with_lock "apt-$arch_suffix" foreign_update "$state"
}

foreign_update() {
    local state=$1
    [[ -z $(find "$state/fresh" -mmin -1440 2>/dev/null) ]] || return 0
    command -v apt-get >/dev/null || return 0
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : >>"$state/status"
    say "fetching apt's lists for $arch_suffix"
    if apt-get "${arch_apt[@]}" -q update >"$state/log" 2>&1; then
        : >"$state/fresh"
    else
        say "apt-get update for $arch_suffix failed:"
        tail -n 5 "$state/log" | sed 's/^/    /' >&2
    fi
}

foreign_ensure() {
    local stamp
    stamp=$(printf '%s\n' "${foreign_packages[@]}")
    [[ ! -r $arch_root/.packages || $(<"$arch_root/.packages") != "$stamp" ]] || return 0
    foreign_index
    with_lock "root-$arch_suffix" foreign_unpack "$stamp"
}

foreign_unpack() {
    local stamp=$1 state=$cache/$arch_suffix/apt work package link target
    [[ ! -r $arch_root/.packages || $(<"$arch_root/.packages") != "$stamp" ]] || return 0
    need apt-get apt
    need dpkg-deb dpkg
    say "fetching the programs and libraries of $arch_suffix (50 MB)"
    # Nothing is installed there, so apt fetches all that the packages need in turn.
    apt-get "${arch_apt[@]}" -q -y install --download-only "${foreign_packages[@]}" >"$state/log" 2>&1 || {
        tail -n 5 "$state/log" | sed 's/^/    /' >&2
        die 125 "apt-get could not fetch the packages of $arch_suffix" "$(kernel_remedy)"
    }
    work=$(mktemp -d "$cache/$arch_suffix/.unpack.XXXXXX")
    remove_at_exit "$work"
    mkdir "$work/root"
    stage_skeleton "$work/root"
    for package in "$state"/cache/archives/*.deb; do
        # A folder that is there as a link stays one: Debian 12 keeps /bin and /lib in /usr.
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/root" --no-same-owner --keep-directory-symlink \
            --exclude './usr/share/doc/*' --exclude './usr/share/man/*' --exclude './usr/share/locale/*' --exclude './dev/*'
    done
    # A link to /lib/... means this folder's.
    while IFS= read -r -d '' link; do
        target=$work/root$(readlink "$link")
        [[ ! -e $target ]] || ln -sfnr "$target" "$link"
    done < <(find "$work/root" -type l -lname '/*' -print0)
    [[ -e $work/root/bin/sh ]] || ln -s dash "$work/root/bin/sh" # else made when the package is installed
    chmod -R u+rwX,go+rX "$work/root"
    printf '%s\n' "$stamp" >"$work/root/.packages"
    rm -rf -- "$arch_root" "$state"/cache/archives/*.deb
    mv "$work/root" "$arch_root"
    rm -rf -- "$work"
}

foreign_libraries() {
    need readelf binutils
    local queue=("$@") library name
    ! readelf -h "$@" | grep 'Machine:' | grep -qvE "$arch_machine|BPF" || # BPF objects run anywhere
        die 2 "--with: not built for $arch_suffix, as the guest is: $*" "cmake --preset release-$arch_suffix"
    local -A seen=()
    while ((${#queue[@]})); do
        local next=()
        while read -r name; do
            name=${name##*/}
            [[ -z ${seen[$name]:-} ]] || continue
            seen[$name]=yes
            library=$(find "$arch_root"/usr/lib "$arch_root"/usr/lib/*-linux-gnu* -maxdepth 1 -name "$name" -print -quit)
            [[ -n $library ]] || die 2 "--with: $name, which one of $* needs, is not in $arch_root"
            next+=("$library")
        done < <(readelf -Wdl "${queue[@]}" |
            sed -nE 's/.*\(NEEDED\).*\[(.*)\]$/\1/p; s/.*program interpreter: (.*)\]$/\1/p' | sort -u)
        ((${#next[@]})) || return 0
        printf '%s\n' "${next[@]}"
        queue=("${next[@]}")
    done
}
