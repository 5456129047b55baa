// Owns: what the kernels need of CUDA's own headers, so that none is needed to compile them. Does not own: any kernel.
#pragma once

#define KERNEL extern "C" __attribute__((global))
#define DEVICE static inline __attribute__((device, always_inline))
#define DEVICE_METHOD __attribute__((device, always_inline)) inline
#define SHARED __attribute__((shared))
#define LAUNCH_BOUNDS(threads, blocks) __attribute__((launch_bounds(threads, blocks)))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/** Loads and stores of 8 and 16 bytes are one instruction each. */
typedef u32 Words2 __attribute__((ext_vector_type(2)));
typedef u32 Words4 __attribute__((ext_vector_type(4)));

DEVICE u32 threadX() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE u32 blockX() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE u32 blockY() { return __nvvm_read_ptx_sreg_ctaid_y(); }

DEVICE void syncBlock() { __syncthreads(); }
DEVICE void syncWarp() { __nvvm_bar_warp_sync(0xffffffff); }

/** Shared memory has 32-bit addresses of its own, which assembly takes. */
DEVICE u32 sharedAddress(const void *pointer) {
  return (u32)(u64)(__attribute__((address_space(3))) const void *)pointer;
}

/** Sixteen bytes at once: from C the compiler makes four loads of it, which meet in the same banks. */
DEVICE Words4 loadShared(u32 address) {
  Words4 w;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(w.x), "=r"(w.y), "=r"(w.z), "=r"(w.w) : "r"(address) : "memory");
  return w;
}

DEVICE void storeShared(u32 address, Words4 w) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" : : "r"(address), "r"(w.x), "r"(w.y), "r"(w.z), "r"(w.w) : "memory");
}

/** Bytes of two words, `low` being 0 to 3 and `high` 4 to 7; the lowest digit of `selector` names the lowest byte. */
DEVICE u32 permute(u32 low, u32 high, u32 selector) {
  u32 result;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(selector));
  return result;
}

/** Sum of the products of four signed bytes each, and of `sum`. */
DEVICE int dot4(u32 a, u32 b, int sum) {
  int result;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/** The lane whose number differs in the bits of `bits`. All lanes of the warp ask at once. */
DEVICE int fromLane(int value, int bits) {
  return __nvvm_shfl_sync_bfly_i32(0xffffffff, value, bits, 31);
}

/** spec/chain.ts `fold`, of one accumulator. */
DEVICE u32 foldOf(int x) { return (x ^ x >> 8 ^ x >> 16) & 255; }
