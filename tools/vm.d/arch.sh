# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from tools/vm and its other parts
# Everything that differs between guest architectures. Sourced by tools/vm.
#
# arch_select ARCH sets:
#   arch_qemu      the QEMU binary            arch_qemu_package  the package that brings it
#   arch_qemu_args machine and CPU            arch_cmdline       kernel command line, console included
#   arch_suffix    how Debian's package names end for this architecture
#   arch_root      where the guest's programs are: empty for this machine's own, else a folder (foreign.sh)
#   arch_machine   with arch_root: what readelf calls this architecture
#   arch_apt       options of apt's programs that make them speak of this architecture
#
# A further architecture: a case below and its kernels in kernel_names (kernel.sh).

arch_select() {
    arch_root='' arch_apt=()
    case $1 in
    amd64)
        arch_qemu=qemu-system-x86_64
        arch_qemu_package=qemu-system-x86
        # With a parallel port: whoever claims it makes plip, the network driver on it, refuse every frame.
        arch_qemu_args=(-cpu max -parallel null)
        # Without tsc=reliable the guest's clock may change under a measurement, and reading it becomes dearer.
        arch_cmdline="console=ttyS0 tsc=reliable clocksource=tsc mitigations=off"
        ;;
    arm64)
        arch_qemu=qemu-system-aarch64
        arch_qemu_package=qemu-system-arm
        # The architecture's own pointer authentication is a block cipher, which an emulator computes at every return of
        # the kernel: more than half of its time. impdef is a cheap one.
        arch_qemu_args=(-machine virt -cpu "max,pauth-impdef=on")
        arch_cmdline="console=ttyAMA0 mitigations=off"
        arch_machine=AArch64
        foreign_select arm64
        ;;
    *)
        die 2 "no guest architecture '$1'" "tools/vm knows: amd64 arm64"
        ;;
    esac
    arch_suffix=$1
}
