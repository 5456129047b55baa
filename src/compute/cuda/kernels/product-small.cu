// Owns: the exact product of small sides, where a tile of tensor cores would be mostly empty. Does not own: larger ones.
#include "device.h"

/** Row `i` times four columns from `j`. */
DEVICE void fourSums(int (&sums)[4], const u32 *a, const u32 *b, u32 i, u32 j, u32 n) {
  u32 words = n / 4;
  const u32 *row = a + i * words;
  const u32 *columns = b + j * words;
#pragma unroll
  for (u32 c = 0; c < 4; c++) sums[c] = 0;
  for (u32 k = 0; k < words; k++) {
    u32 bytes = row[k];
#pragma unroll
    for (u32 c = 0; c < 4; c++) sums[c] = dot4(bytes, columns[c * words + k], sums[c]);
  }
}

KERNEL LAUNCH_BOUNDS(128, 1) void productSmall(const u32 *a, const u32 *b, Words4 *to, u32 rows, u32 n) {
  u32 thread = blockX() * 128 + threadX(), across = n / 4;
  u32 row = thread / across, group = thread % across;
  if (row >= rows) return;
  int sums[4];
  fourSums(sums, a, b, row, 4 * group, n);
  to[thread] = Words4{(u32)sums[0], (u32)sums[1], (u32)sums[2], (u32)sums[3]};
}

KERNEL LAUNCH_BOUNDS(128, 1) void productFoldSmall(const u32 *a, const u32 *b, u32 *to, u32 n) {
  u32 thread = blockX() * 128 + threadX(), across = n / 4;
  u32 row = thread / across, group = thread % across;
  if (row >= n) return;
  int sums[4];
  fourSums(sums, a, b, row, 4 * group, n);
  u32 word = 0;
#pragma unroll
  for (u32 c = 0; c < 4; c++) word |= foldOf(sums[c]) << 8 * c;
  to[thread] = word;
}
