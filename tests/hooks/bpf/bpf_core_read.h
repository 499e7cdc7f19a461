// Stands in for libbpf's header: a kernel's type is that of vmlinux/kernel.h itself. Of what only some kernels have exists
// what `hooks_exists` knows. A read through NULL gives 0, as in the kernel.
#pragma once
#define READ_1(s, a)                                  \
	({                                            \
		__typeof__(s) _s = (s);               \
		_s ? _s->a : (__typeof__(_s->a))0;    \
	})
#define READ_2(s, a, b)                                          \
	({                                                       \
		__typeof__((s)->a) _a = READ_1(s, a);            \
		_a ? _a->b : (__typeof__(_a->b))0;               \
	})
#define READ_3(s, a, b, c)                                       \
	({                                                       \
		__typeof__((s)->a->b) _b = READ_2(s, a, b);      \
		_b ? _b->c : (__typeof__(_b->c))0;               \
	})
#define READ_PICK(_1, _2, _3, name, ...) name
#define BPF_CORE_READ(s, ...) READ_PICK(__VA_ARGS__, READ_3, READ_2, READ_1)(s, __VA_ARGS__)
#define INTO_1(s, a) &(s)->a
#define INTO_2(s, a, b) &(s)->a->b
#define INTO_3(s, a, b, c) &(s)->a->b->c
#define BPF_CORE_READ_INTO(to, s, ...) \
	__builtin_memcpy(to, READ_PICK(__VA_ARGS__, INTO_3, INTO_2, INTO_1)(s, __VA_ARGS__), sizeof(*(to)))
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) hooks_bit(#field)
#define bpf_core_field_exists(field) hooks_exists(#field)
#define bpf_core_field_offset(type, field) __builtin_offsetof(type, field)
#define bpf_core_type_size(type) sizeof(type)
#define bpf_core_type_id_kernel(type) 0
#define bpf_core_enum_value_exists(type, value) 0
#define bpf_core_enum_value(type, value) 0

int hooks_exists(const char *field);
int hooks_bit(const char *field);
