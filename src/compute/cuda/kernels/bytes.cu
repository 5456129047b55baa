// Owns: moving bytes on the device: a square turned, one column of it, the left operand. Does not own: what they mean.
#include "device.h"

#define SIDE 32
#define LANES 8

/**
 * `to[j n + i] = from[i n + j]`. A block turns 128 x 128 bytes: squares of 4 x 4 bytes in registers, their places in shared
 * memory, so that a warp reads and writes whole lines. Sides below 128 leave lanes idle.
 */
KERNEL LAUNCH_BOUNDS(SIDE * LANES, 4) void transpose(const u32 *from, u32 *to, u32 n) {
  // one plane for each of four neighbouring columns; rows a word longer than the banks, so that both directions meet none twice
  SHARED static u32 turned[4][SIDE][SIDE + 1];
  u32 words = n / 4;
  u32 lane = threadX() & 31, warp = threadX() >> 5;
  u32 column = blockX() * SIDE + lane; // of words read
  u32 rows = blockY() * SIDE;          // of groups of four rows
  u32 in[4][4];
#pragma unroll
  for (u32 k = 0; k < 4; k++) {
    u32 group = rows + warp + LANES * k;
#pragma unroll
    for (u32 q = 0; q < 4; q++)
      in[k][q] = column < words && group < words ? from[(group * 4 + q) * words + column] : 0;
  }
#pragma unroll
  for (u32 k = 0; k < 4; k++) {
    u32 low01 = permute(in[k][0], in[k][1], 0x5140), low23 = permute(in[k][2], in[k][3], 0x5140);
    u32 high01 = permute(in[k][0], in[k][1], 0x7362), high23 = permute(in[k][2], in[k][3], 0x7362);
    u32 at = warp + LANES * k;
    turned[0][lane][at] = permute(low01, low23, 0x5410);
    turned[1][lane][at] = permute(low01, low23, 0x7632);
    turned[2][lane][at] = permute(high01, high23, 0x5410);
    turned[3][lane][at] = permute(high01, high23, 0x7632);
  }
  syncBlock();
  u32 outColumn = rows + lane;
#pragma unroll
  for (u32 k = 0; k < 4; k++) {
    u32 at = warp + LANES * k;
    u32 group = blockX() * SIDE + at;
#pragma unroll
    for (u32 q = 0; q < 4; q++)
      if (outColumn < words && group < words) to[(group * 4 + q) * words + outColumn] = turned[q][at][lane];
  }
}

/** Four sums of bytes, none of which reaches into the next. */
DEVICE u32 addBytes(u32 a, u32 b) {
  return ((a & 0x7f7f7f7f) + (b & 0x7f7f7f7f)) ^ ((a ^ b) & 0x80808080);
}

#define JOIN_ROWS 8

/**
 * `to[i][k] = rows[i][k] + columns[i][k] + (x[i] y[k] >> 24)`, bytes. A thread takes the same 16 columns of eight rows, so that
 * its 16 words of y are read once for all of them.
 * @param shift log2(n / 16)
 */
KERNEL LAUNCH_BOUNDS(256, 2) void join(const Words4 *rows, const Words4 *columns, const u32 *x, const Words4 *y, Words4 *to,
                                       u32 n, u32 shift) {
  u32 thread = blockX() * 256 + threadX();
  u32 chunk = thread & ((1u << shift) - 1);
  u32 first = (thread >> shift) * JOIN_ROWS;
  if (first >= n) return;
  Words4 factors[4];
#pragma unroll
  for (u32 k = 0; k < 4; k++) factors[k] = y[chunk * 4 + k];
  u32 at = (first << shift) + chunk;
#pragma unroll
  for (u32 r = 0; r < JOIN_ROWS; r++, at += 1u << shift) {
    Words4 a = rows[at], b = columns[at];
    u32 factor = x[first + r];
    Words4 out;
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
      u32 low = permute(factor * factors[k].x, factor * factors[k].y, 0x0073);
      u32 high = permute(factor * factors[k].z, factor * factors[k].w, 0x0073);
      out[k] = addBytes(addBytes(a[k], b[k]), permute(low, high, 0x5410));
    }
    to[at] = out;
  }
}

/** `to[i] = from[i n + index]`, four bytes for each thread. */
KERNEL LAUNCH_BOUNDS(128, 1) void column(const u8 *from, u32 n, u32 index, u32 *to) {
  u32 word = blockX() * 128 + threadX();
  if (word >= n / 4) return;
  const u8 *at = from + (u64)word * 4 * n + index;
  to[word] = at[0] | at[n] << 8 | at[2 * (u64)n] << 16 | (u32)at[3 * (u64)n] << 24;
}
