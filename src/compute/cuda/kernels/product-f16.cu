// Owns: the exact product on half-precision tensor cores, for cards whose int8 ones are slow. Does not own: tiles (product.h).
#define COLUMNS 128
#define STAGES 4
#include "product.h"

/**
 * Products are at most 128 * 64 = 2^13; 2048 of them reach 2^24, the last whole number that single precision is sure to hold. Half
 * as many are summed before they go over to whole numbers: tensor cores shift what they add to the largest exponent first, and one
 * bit to spare keeps that exact whether or not they round what is shifted out.
 */
#define EXACT_DEPTH 1024

struct Half {
  float part[DOWN][ACROSS][4];
  int sums[DOWN][ACROSS][4];

  /**
   * Two halves each of bytes 0, 1 and of bytes 2, 3. With its sign bit turned a byte is itself plus 128; behind 0x64 it is the last
   * byte of the half 1024 + 128 + itself.
   */
  DEVICE_METHOD static void halves(u32 bytes, u32 &low, u32 &high) {
    u32 turned = bytes ^ 0x80808080;
    asm("sub.f16x2 %0, %1, %2;" : "=r"(low) : "r"(permute(turned, 0x64646464, 0x4140)), "r"(0x64806480));
    asm("sub.f16x2 %0, %1, %2;" : "=r"(high) : "r"(permute(turned, 0x64646464, 0x4342)), "r"(0x64806480));
  }

  /**
   * A lane's four bytes are neighbours on the summed side, where the instruction wants two and two that lie eight further: the order
   * of a sum is free, as long as both operands have the same.
   */
  DEVICE_METHOD void multiply(const Operands &from) {
#pragma unroll
    for (u32 half = 0; half < 2; half++) {
      u32 b[ACROSS][2];
#pragma unroll
      for (u32 j = 0; j < ACROSS; j++) halves(from.b[j / 2][j % 2 * 2 + half], b[j][0], b[j][1]);
#pragma unroll
      for (u32 i = 0; i < DOWN; i++) {
        u32 a[4];
        halves(from.a[i][2 * half], a[0], a[2]);
        halves(from.a[i][2 * half + 1], a[1], a[3]);
#pragma unroll
        for (u32 j = 0; j < ACROSS; j++) {
          float(&c)[4] = part[i][j];
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                       : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                       : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[j][0]), "r"(b[j][1]));
        }
      }
    }
  }
  DEVICE_METHOD void endStep(u32 step) {
    if ((step + 1) % (EXACT_DEPTH / DEPTH) == 0) end();
  }
  DEVICE_METHOD void end() {
#pragma unroll
    for (u32 i = 0; i < DOWN; i++)
#pragma unroll
      for (u32 j = 0; j < ACROSS; j++)
#pragma unroll
        for (u32 k = 0; k < 4; k++) {
          sums[i][j][k] += (int)part[i][j][k];
          part[i][j][k] = 0;
        }
  }
};

KERNEL LAUNCH_BOUNDS(THREADS, 1) void product(const u8 *a, const u8 *b, int *to, u32 rows, u32 n) {
  Place tile = tileOf(rows, n);
  Half unit = {};
  multiplyTile(a, b, rows, n, tile, unit);
  storeSums(unit, to, rows, n, tile);
}

KERNEL LAUNCH_BOUNDS(THREADS, 1) void productFold(const u8 *a, const u8 *b, u8 *to, u32 n) {
  Place tile = tileOf(n, n);
  Half unit = {};
  multiplyTile(a, b, n, n, tile, unit);
  storeFolds(unit, to, n, tile);
}
