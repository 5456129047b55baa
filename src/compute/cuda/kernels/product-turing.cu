// Owns: the exact product on int8 tensor cores of Turing. Does not own: tiles (product.h).
#define COLUMNS 128
#define STAGES 1
#include "product.h"

struct SmallInt8 {
  int sums[DOWN][ACROSS][4];

  /** 16 x 8 x 32 as four of 8 x 8 x 16, which is what there is; operands and sums lie as in the larger one. */
  DEVICE_METHOD static void quarter(int (&c)[4], u32 at, u32 a, u32 b) {
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+r"(c[at]), "+r"(c[at + 1])
                 : "r"(a), "r"(b));
  }
  DEVICE_METHOD void multiply(const Operands &from) {
#pragma unroll
    for (u32 i = 0; i < DOWN; i++)
#pragma unroll
      for (u32 j = 0; j < ACROSS; j++)
#pragma unroll
        for (u32 half = 0; half < 2; half++) {
          u32 b = from.b[j / 2][j % 2 * 2 + half];
          quarter(sums[i][j], 0, from.a[i][2 * half], b);
          quarter(sums[i][j], 2, from.a[i][2 * half + 1], b);
        }
  }
  DEVICE_METHOD void endStep(u32) {}
  DEVICE_METHOD void end() {}
};

KERNEL LAUNCH_BOUNDS(THREADS, 1) void product(const u8 *a, const u8 *b, int *to, u32 rows, u32 n) {
  Place tile = tileOf(rows, n);
  SmallInt8 unit = {};
  multiplyTile(a, b, rows, n, tile, unit);
  storeSums(unit, to, rows, n, tile);
}

KERNEL LAUNCH_BOUNDS(THREADS, 1) void productFold(const u8 *a, const u8 *b, u8 *to, u32 n) {
  Place tile = tileOf(n, n);
  SmallInt8 unit = {};
  multiplyTile(a, b, n, n, tile, unit);
  storeFolds(unit, to, n, tile);
}
