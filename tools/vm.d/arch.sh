# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/vm and its other parts
# Everything that differs between guest architectures. Sourced by tools/vm.
#
# arch_select ARCH sets:
#   arch_qemu      the QEMU binary            arch_qemu_package  the package that brings it
#   arch_qemu_args machine and CPU            arch_cmdline       kernel command line, console included
#   arch_suffix    how Debian's package names end for this architecture
#
# To add arm64: a case below, its kernels in kernel_names (kernel.sh), a package index of that architecture (a private
# one: apt-get -o Dir::State=... -o APT::Architecture=arm64 update), and programs built for it: the guest's busybox
# and shell come from the host today.

arch_select() {
    case $1 in
    amd64)
        arch_qemu=qemu-system-x86_64
        arch_qemu_package=qemu-system-x86
        arch_qemu_args=(-cpu max)
        # Without tsc=reliable the guest's clock may change under a measurement, and reading it becomes dearer.
        arch_cmdline="console=ttyS0 tsc=reliable clocksource=tsc mitigations=off"
        arch_suffix=amd64
        ;;
    *)
        die 2 "no guest architecture '$1'" "tools/vm knows: amd64"
        ;;
    esac
}
