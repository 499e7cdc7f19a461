# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # variables go to and come from tools/vm and its other parts
# Starts QEMU, carries the guest's output, bounds its time. Sourced by tools/vm.
#
# qemu_run    reads kernel_dir base_archive extra_archive, the options, $run (a private directory); sets
#   guest_end      exited | timeout | reader-gone
#   guest_status   the command's exit status; empty if the guest ended before the command did
# The guest's console is in $run/console (or --console's file), its kernel log in $run/dmesg.

qemu_run() {
    local command=() ended='' out_fd err_fd control_fd out_pid err_pid control_pid
    console=${option_console:-$run/console}
    [[ ! -e $console || -f $console ]] || die 2 "--console $console is not a regular file"
    (: >"$console") 2>/dev/null || die 2 "--console $console cannot be written"
    : >"$run/dmesg"
    : >"$run/progress"

    # QEMU dies with this script even if that is killed by SIGKILL.
    ! command -v setpriv >/dev/null || command+=(setpriv --pdeathsig TERM)
    # One thread emulates all CPUs in turn. With a thread for each (thread=multi) QEMU is not sound for a kernel that
    # patches code which another CPU runs: a CPU executes stale int3s or half of a patched call, and the guest oopses
    # within minutes, in static keys and in the kernel's own tracefs kprobes alike, no sockray near (tests/vm/machine_test.cpp).
    command+=("$arch_qemu" -accel tcg,thread=single "${arch_qemu_args[@]}" -smp "$option_cpus" -m "$option_memory"
        -nodefaults -no-user-config -display none -no-reboot -net none
        -kernel "$kernel_dir/vmlinuz" -initrd "$run/initrd"
        -append "$arch_cmdline quiet loglevel=5 log_buf_len=4M panic=-1$(clock_words)${option_append:+ $option_append}"
        -chardev "$(chardev_file console "$console")" -serial chardev:console
        -device virtio-serial-pci
        -chardev "$(chardev_file out "$run/out")" -device "$(out_device),chardev=out,nr=1"
        -chardev "$(chardev_file err "$run/err")" -device virtserialport,chardev=err,nr=2
        -chardev "$(chardev_file control "$run/control")" -device virtserialport,chardev=control,nr=3
        -chardev "$(chardev_file dmesg "$run/dmesg")" -device virtserialport,chardev=dmesg,nr=4
        # Nobody is on the other side: what a driver gives it waits there for ever.
        -netdev hubport,id=stuck,hubid=0 -device virtio-net-pci,netdev=stuck,romfile=)
    [[ -z $option_count_instructions ]] || command+=(-icount shift=0,sleep=off,align=off)
    verbose "${command[*]@Q}"

    # Each pipe is held open at both ends: nobody blocks in open(), and its reader sees the end only when we close it.
    # A pipe that is full makes the guest wait; nothing is lost.
    mkfifo "$run/err" "$run/control"
    if [[ -n $option_tty ]]; then
        : >"$run/out" # QEMU does not wait for the reader of a console, so this must take everything
    else
        mkfifo "$run/out"
    fi
    exec {out_fd}<>"$run/out" {err_fd}<>"$run/err" {control_fd}<>"$run/control"
    start </dev/null >"$run/qemu.log" 2>&1 "${command[@]}"
    qemu_pid=$!
    start </dev/null >/dev/null 2>&1 sleep "$option_timeout"
    sleep_pid=$!
    if [[ -n $option_tty ]]; then
        start tail -c +1 -f -s 0.05 --pid="$qemu_pid" "$run/out"
    else
        start <"$run/out" cat
    fi
    out_pid=$!
    start <"$run/err" >&2 cat
    err_pid=$!
    # Ends at the guest's last word: by then it has handed over everything, and there is no need to see it power off.
    start <"$run/control" >"$run/progress" sed -u '/^exit /q'
    control_pid=$!

    wait -n -p ended "$qemu_pid" "$sleep_pid" "$control_pid" "$out_pid" "$err_pid" || true
    case $ended in
    "$control_pid" | "$qemu_pid") guest_end=exited ;;
    "$sleep_pid") guest_end=timeout ;;
    *) guest_end=reader-gone ;; # whoever reads our output has closed it
    esac
    end_qemu
    exec {out_fd}>&- {err_fd}>&- {control_fd}>&-
    wait "$out_pid" "$err_pid" "$control_pid" || true
    guest_status=$(sed -n 's/^exit \([0-9]\{1,3\}\)$/\1/p' "$run/progress")
}

# Starts a program in the background without the pipes' descriptors, which would keep their readers waiting.
start() {
    "$@" <&0 {out_fd}>&- {err_fd}>&- {control_fd}>&- & # <&0: else bash gives it /dev/null
}

# A file or pipe as QEMU's option takes it: a comma in the path is written twice.
chardev_file() {
    echo "file,id=$1,path=${2//,/,,}"
}

out_device() {
    if [[ -n $option_tty ]]; then
        echo virtconsole
    else
        echo virtserialport
    fi
}

# Ends QEMU and the timer, by their own process ids.
end_qemu() {
    local pid
    for pid in ${qemu_pid:-} ${sleep_pid:-}; do
        kill -TERM "$pid" 2>/dev/null || continue
        for _ in {1..50}; do
            kill -0 "$pid" 2>/dev/null || break
            read -r -t 0.02 _ <> <(:) || true
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    qemu_pid='' sleep_pid=''
}

# What the guest's console showed last, and QEMU's own words.
show_console() {
    local lines=25
    if [[ -s $console ]]; then
        echo "--- the guest's console, last $lines lines ---" >&2
        tail -n "$lines" "$console" | tr -d '\r' | LC_ALL=C sed 's/\x1b[^a-zA-Z]*[a-zA-Z]//g' >&2
    else
        echo "--- the guest's console is empty ---" >&2
    fi
    if grep -v 'terminating on signal 15' "$run/qemu.log" >"$run/qemu.words"; then
        echo "--- $arch_qemu said ---" >&2
        tail -n 10 "$run/qemu.words" >&2
    fi
    echo "---" >&2
}
