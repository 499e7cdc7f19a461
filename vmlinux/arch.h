// The only place that names registers: what libbpf 1.1's bpf_tracing.h lacks.
#ifndef SOCKRAY_VMLINUX_ARCH_H
#define SOCKRAY_VMLINUX_ARCH_H

// The sixth argument of a function, by the C calling convention of the architecture.
#if defined(__TARGET_ARCH_x86)
#define SR_REGS_PARM6(ctx) ((ctx)->r9)
#elif defined(__TARGET_ARCH_arm64)
#define SR_REGS_PARM6(ctx) (((const struct user_pt_regs *)(ctx))->regs[5])
#else
#error "no calling convention for this architecture"
#endif

#endif
