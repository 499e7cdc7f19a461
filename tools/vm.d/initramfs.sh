# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/vm and its other parts
# The guest's file system: a cached archive with what every run needs, and a small one with what this run adds. The
# kernel unpacks concatenated cpio archives in order. Sourced by tools/vm.
#
# initramfs_base               sets base_archive
# initramfs_add PATH[=GUEST]   copies a file or a directory into $stage
# initramfs_pack DIR FILE      writes DIR as a cpio archive

# Real programs, not busybox applets: this busybox runs its own applet "ip" for `sh -c ip` or `timeout 5 ip`, whatever
# PATH says. What starts other programs therefore comes from the host.
base_programs=(sh env timeout nice nohup setsid xargs find chroot)

# Paths in the guest follow the merged /usr; staging directories get the same links, so that /lib/x lands in /usr/lib.
stage_skeleton() {
    local name
    mkdir -p "$1"/usr/{bin,sbin,lib,lib64,lib32}
    for name in bin sbin lib lib64 lib32; do
        ln -s "usr/$name" "$1/$name"
    done
}

initramfs_base() {
    need busybox busybox-static
    need cpio cpio
    local busybox key
    busybox=$(find_program busybox)
    key=$({
        cat "$here"/vm.d/*
        stat -L -c '%n %s %Y' "$busybox" "$(find_program sh)"
    } | sha256sum | cut -c 1-16)
    base_archive=$cache/base/${kernel_dir##*/}_$key.cpio
    [[ -e $base_archive ]] || with_lock "base-${kernel_dir##*/}" initramfs_build_base "$busybox"
}

initramfs_build_base() {
    [[ ! -e $base_archive ]] || return 0
    local busybox=$1 root work program file
    [[ -n $arch_root || $(LC_ALL=C ldd "$busybox" 2>&1 || true) == *"not a dynamic executable"* ]] ||
        die 125 "$busybox is not statically linked, the guest needs one that is" "apt-get install busybox-static"
    verbose "building the base initramfs"
    mkdir -p "$cache/base"
    work=$(mktemp -d "$cache/base/.build.XXXXXX")
    remove_at_exit "$work"
    root=$work/root
    mkdir "$root"
    stage_skeleton "$root"
    mkdir -p "$root"/{.vm/bin,dev,proc,sys,tmp,run,root,mnt,home,var/tmp,usr/local/{bin,sbin},usr/share/udhcpc,etc}
    ln -s /run "$root/var/run"
    chmod 1777 "$root/tmp" "$root/var/tmp"
    install -m 755 "$busybox" "$root/.vm/bin/busybox"
    for program in $(busybox --list); do # this machine's, which may be another: both are Debian's
        [[ $program == busybox ]] || ln -s busybox "$root/.vm/bin/$program"
    done
    ln -s /.vm/bin/modprobe "$root/usr/sbin/modprobe" # where the kernel looks
    install -m 755 "$here/vm.d/init" "$root/init"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\nnobody:x:65533:\n' >"$root/etc/group"
    printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"
    echo guest >"$root/etc/hostname"
    echo 'passwd: files' >"$root/etc/nsswitch.conf"
    for file in protocols services ethertypes ld.so.cache; do
        [[ ! -r /etc/$file || ($file == ld.so.cache && -n $arch_root) ]] || cp -L "/etc/$file" "$root/etc/$file"
    done
    cp -a "$kernel_dir/lib/modules" "$root/lib/"
    local stage=$root
    for program in "${base_programs[@]}"; do
        initramfs_add "$(find_program "$program")"
    done
    [[ -e $root/bin/sh ]] || ln -s "$(guest_path "$(realpath "$(find_program sh)")")" "$root/bin/sh"
    initramfs_pack "$root" "$work/base.cpio"
    find "$cache/base" -maxdepth 1 -name "${kernel_dir##*/}_*.cpio" -mmin +1440 -delete
    mv "$work/base.cpio" "$base_archive"
    rm -rf -- "$work"
}

# Everything belongs to root, whoever packs.
initramfs_pack() {
    (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R +0:+0) >"$2"
}

# Where the program of this name is that runs in the guest: in PATH, or for another architecture in its folder.
find_program() {
    local path=$PATH:/usr/local/sbin:/usr/sbin:/sbin
    [[ -z $arch_root ]] || path=$arch_root/usr/sbin:$arch_root/usr/bin
    PATH=$path type -P -- "$1"
}

# A path on this machine as the guest has it.
guest_path() {
    echo "${1#"$arch_root"}"
}

is_elf() {
    local magic=''
    LC_ALL=C IFS= read -r -N 4 magic <"$1" 2>/dev/null || true
    [[ $magic == $'\x7fELF' ]]
}

initramfs_add() {
    local source=$1 guest=''
    if [[ $source == *=* && ! -e $source ]]; then
        guest=${source#*=} source=${source%%=*}
        [[ $guest == /* ]] || die 2 "--with $1: the path in the guest must start with /"
    fi
    if [[ $source != */* && ! -e $source ]]; then
        local found
        found=$(find_program "$source") ||
            die 2 "--with $source: neither a file here nor a program in ${arch_root:-PATH}"
        source=$found
    fi
    [[ -e $source ]] || die 2 "--with $source: no such file or directory"
    [[ -r $source ]] || die 2 "--with $source: not readable by $(id -un)"

    local real logical
    case $(guest_path "$(realpath -sm -- "${guest:-$source}")") in
    / | /dev | /dev/* | /proc | /proc/* | /sys | /sys/*)
        die 2 "--with $1: the guest has its own ${guest:-$source}" "name another path: --with $source=/GUEST/PATH"
        ;;
    esac
    real=$(realpath -- "$source")
    logical=$(realpath -s -- "$source")
    if [[ -n $guest ]]; then
        stage_copy "$real" "$guest"
    else
        guest=$(guest_path "$real")
        stage_copy "$real" "$guest"
        logical=$(guest_path "$logical")
        if [[ ! -e $stage$logical ]]; then
            mkdir -p "$stage${logical%/*}"
            ln -s "$guest" "$stage$logical"
        fi
    fi
}

# stage_copy REAL GUEST: one file or one tree, and the libraries of every ELF executable in it.
stage_copy() {
    local real=$1 guest=$2 elfs=() file
    mkdir -p "$(dirname "$stage$guest")"
    if [[ -d $real ]]; then
        mkdir -p "$stage$guest"
        cp -a --no-preserve=ownership -- "$real/." "$stage$guest/"
        while IFS= read -r -d '' file; do
            ! is_elf "$file" || elfs+=("$file")
        done < <(find "$real" -type f \( -perm /111 -o -name '*.so' -o -name '*.so.*' \) -print0)
    else
        [[ ! -e $stage$guest ]] || return 0
        cp -p -- "$real" "$stage$guest"
        if is_elf "$real"; then
            elfs=("$real")
        elif [[ -x $real ]]; then
            stage_interpreter "$real"
        fi
    fi
    [[ ${#elfs[@]} == 0 ]] || stage_libraries "${elfs[@]}"
}

# A script brings the interpreter its first line names.
stage_interpreter() {
    local line='' interpreter
    LC_ALL=C IFS= read -r -n 256 line <"$1" 2>/dev/null || true
    [[ $line == '#!'* ]] || return 0
    read -r interpreter _ <<<"${line#??}"
    [[ $interpreter == /* && -x $arch_root$interpreter ]] || return 0
    initramfs_add "$arch_root$interpreter"
}

stage_libraries() {
    local library
    while IFS= read -r library; do
        [[ -e $library && ! -e $stage$(guest_path "$library") ]] || continue
        mkdir -p "$(dirname "$stage$(guest_path "$library")")"
        cp -L -- "$library" "$stage$(guest_path "$library")"
        chmod u+rx,go+rx "$stage$(guest_path "$library")"
    done < <(if [[ -n $arch_root ]]; then foreign_libraries "$@"; else own_libraries "$@"; fi)
    wait "$!" || exit # with its words said
}

own_libraries() {
    local listing
    listing=$(LC_ALL=C ldd -- "$@" 2>/dev/null || true)
    if [[ $listing == *'=> not found'* ]]; then
        die 2 "--with: ldd does not find $(awk '/=> not found/{print $1}' <<<"$listing" | sort -u | tr '\n' ' ')for $*" \
            "install the library, or set LD_LIBRARY_PATH"
    fi
    # "libc.so.6 => /lib/x/libc.so.6 (0x...)" or "/lib64/ld-linux-x86-64.so.2 (0x...)"
    sed -nE 's/^\t(.* => )?(\/.*) \(0x[0-9a-f]+\)$/\2/p' <<<"$listing" | sort -u
}
