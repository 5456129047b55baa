// Owns: the keyed digests of a pass over memory. Does not own: keys, what is hashed of digests.
#include "device.h"

#define THREADS 256
#define WARPS (THREADS / 32)
#define AT_ONCE 4

/**
 * Four dot products for each block of 4096 bytes. The threads of a block of threads hold one position each, and the key's values
 * there in registers, for all blocks of memory that they pass over: what remains is a load of 16 bytes for 16 instructions.
 * @param key four columns of 4096 signed bytes
 * @param each blocks of memory for one block of threads, a multiple of four
 */
KERNEL LAUNCH_BOUNDS(THREADS, 3) void digests(const Words4 *from, const Words4 *key, u32 *to, u32 blocks, u32 each) {
  // two, so that one wait for all threads lies between writing and writing again
  SHARED static int sums[2][WARPS][4 * AT_ONCE];
  u32 lane = threadX() & 31, warp = threadX() >> 5;
  Words4 keys[4];
#pragma unroll
  for (u32 c = 0; c < 4; c++) keys[c] = key[c * THREADS + threadX()];
  u32 first = blockX() * each;
  u32 last = blocks - first < each ? blocks : first + each;
  auto load = [&](Words4 (&data)[AT_ONCE], u32 block) {
#pragma unroll
    for (u32 b = 0; b < AT_ONCE; b++) {
      data[b] = Words4{0, 0, 0, 0};
      if (block + b < last) data[b] = from[(block + b) * THREADS + threadX()];
    }
  };
  Words4 next[AT_ONCE];
  load(next, first);
  for (u32 block = first, turn = 0; block < last; block += AT_ONCE, turn ^= 1) {
    Words4 data[AT_ONCE];
#pragma unroll
    for (u32 b = 0; b < AT_ONCE; b++) data[b] = next[b];
    load(next, block + AT_ONCE); // comes while these are multiplied
    int values[4 * AT_ONCE];
#pragma unroll
    for (u32 b = 0; b < AT_ONCE; b++)
#pragma unroll
      for (u32 c = 0; c < 4; c++) {
        int sum = 0;
#pragma unroll
        for (u32 k = 0; k < 4; k++) sum = dot4(data[b][k], keys[c][k], sum);
        values[4 * b + c] = sum;
      }
    // sixteen sums over 32 lanes: each step gives half of the values away and gets the other half, so that 16 exchanges do
#pragma unroll
    for (u32 bit = 16, count = 8; count >= 1; bit >>= 1, count >>= 1) {
      bool upper = lane & bit;
#pragma unroll
      for (u32 v = 0; v < count; v++) {
        int low = values[v], high = values[v + count];
        values[v] = (upper ? high : low) + fromLane(upper ? low : high, bit);
      }
    }
    values[0] += fromLane(values[0], 1);
    if ((lane & 1) == 0) sums[turn][warp][lane >> 1] = values[0];
    syncBlock();
    if (threadX() < 4 * AT_ONCE && block + threadX() / 4 < last) {
      int sum = 0;
#pragma unroll
      for (u32 w = 0; w < WARPS; w++) sum += sums[turn][w][threadX()];
      to[block * 4 + threadX()] = sum;
    }
  }
}
