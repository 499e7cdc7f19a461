// Reading the kernel's memory. A helper that copies takes some 50 instructions for a field, a load of the program's own 10: the
// verifier allows that where it knows what a pointer points to, as of fentry's arguments, or where it is told
// (bpf_rdonly_cast, since 6.2). What lies at a wrong address reads as 0 either way.
#ifndef SOCKRAY_BPF_READ_H
#define SOCKRAY_BPF_READ_H

// Stands for bpf_rdonly_cast, which user space puts in its place where the kernel has it (user/probe/casts.h), and sets
// config.casts. Not by its name: a program that calls a function of the kernel does not load where that has no BTF of its own.
// In programs alone, and not in functions of their own (__noinline, bpf_loop's).
static void *(*const cast_as)(const void *p, __u64 type) = (void *)SR_CAST_CALL;

#define CAST_CASE(name) struct name *: SR_CAST_##name,
struct sr_nothing;
#define CAST_TYPE(p) (SR_CAST_TYPE + _Generic((p), SR_CAST_STRUCTS(CAST_CASE) struct sr_nothing *: SR_CAST_COUNT))

// `p` as the verifier is to know it, where config.casts.
#define AS_TYPED(p) ((typeof(p))cast_as(p, CAST_TYPE(p)))

#define READ(p, field)                                                               \
	({                                                                           \
		typeof(p) _p = (p);                                                  \
                                                                                     \
		config.casts ? AS_TYPED(_p)->field : BPF_CORE_READ(_p, field);       \
	})

// The same where `typed`, a constant, says that the verifier knows p's type anyway.
#define FETCH(typed, p, field) ((typed) ? (p)->field : READ(p, field))

// An int that is no field of a struct: read as the kernel's struct that is nothing else.
#define READ_INT(at) READ((struct refcount_struct *)(at), refs.counter)

// Names of 16 bytes, in two loads wherever they stand.
#define LOAD_NAME(to, from)                                            \
	({                                                             \
		const char *_from = (from);                            \
                                                                       \
		barrier_var(_from);                                    \
		((__u64 *)(to))[0] = ((const __u64 *)_from)[0];        \
		((__u64 *)(to))[1] = ((const __u64 *)_from)[1];        \
	})

#define FETCH_NAME(typed, to, p, field)                                \
	({                                                             \
		if (typed)                                             \
			LOAD_NAME(to, (p)->field);                     \
		else if (config.casts)                                 \
			LOAD_NAME(to, AS_TYPED(p)->field);             \
		else                                                   \
			BPF_CORE_READ_INTO((char(*)[16])(to), p, field); \
	})

#endif
