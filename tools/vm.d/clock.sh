# shellcheck shell=bash disable=SC2154 # variables come from tools/vm and its other parts
# The frequency of this machine's time stamp counter, which the guest's clock counts by. Sourced by tools/vm.
#
# A guest that measures it at its boot while this machine is busy may find a wrong one, and its clock runs too fast or too
# slow to its end. Two seconds later the kernel measures again, against the HPET, and says so where both agree within 1 %
# (arch/x86/kernel/tsc.c: tsc_refine_calibration_work). That is kept, and told to the guests that follow.
#
# clock_words   what to add to the kernel's command line
# clock_learn   from the kernel's log of the guest that has ended

clock_file() { echo "$cache/tsc-khz-$(</proc/sys/kernel/random/boot_id)"; }

clock_words() {
    # With --count-instructions the guest's counter is another one.
    [[ $arch_suffix == amd64 && -z $option_count_instructions && -s $(clock_file) ]] || return 0
    echo " tsc_early_khz=$(<"$(clock_file)")"
}

clock_learn() {
    local khz
    [[ $arch_suffix == amd64 && -z $option_count_instructions ]] || return 0
    khz=$(sed -nE 's/.*Refined TSC clocksource calibration: ([0-9]+)\.([0-9]{3}) MHz.*/\1\2/p' "$run/dmesg" | tail -n 1)
    [[ -n $khz && ! -s $(clock_file) ]] || return 0
    rm -f -- "$cache"/tsc-khz-*
    echo "$khz" >"$run/tsc"
    mv "$run/tsc" "$(clock_file)"
}
