// Owns: the exact product on int8 tensor cores from Ampere on. Does not own: tiles (product.h).
#define COLUMNS 256
#define STAGES 4
#include "product.h"

struct Int8 {
  int sums[DOWN][ACROSS][4];

  DEVICE_METHOD void multiply(const Operands &from) {
#pragma unroll
    for (u32 i = 0; i < DOWN; i++)
#pragma unroll
      for (u32 j = 0; j < ACROSS; j++) {
        const u32(&a)[4] = from.a[i];
        int(&c)[4] = sums[i][j];
        asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(from.b[j / 2][j % 2 * 2]), "r"(from.b[j / 2][j % 2 * 2 + 1]));
      }
  }
  DEVICE_METHOD void endStep(u32) {}
  DEVICE_METHOD void end() {}
};

KERNEL LAUNCH_BOUNDS(THREADS, 1) void product(const u8 *a, const u8 *b, int *to, u32 rows, u32 n) {
  Place tile = tileOf(rows, n);
  Int8 unit = {};
  multiplyTile(a, b, rows, n, tile, unit);
  storeSums(unit, to, rows, n, tile);
}

KERNEL LAUNCH_BOUNDS(THREADS, 1) void productFold(const u8 *a, const u8 *b, u8 *to, u32 n) {
  Place tile = tileOf(n, n);
  Int8 unit = {};
  multiplyTile(a, b, n, n, tile, unit);
  storeFolds(unit, to, n, tile);
}
