// Owns: SHA-256 on the device: runs of bytes behind a tag, trees, tweak rows. Does not own: what is hashed when (../../gpu/labels.ts).
#include "device.h"

#define WARPS 4

DEVICE u32 rotate(u32 x, u32 by) { return x >> by | x << (32 - by); }

__attribute__((constant)) static const u32 ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

DEVICE void start(u32 (&h)[8]) {
  h[0] = 0x6a09e667, h[1] = 0xbb67ae85, h[2] = 0x3c6ef372, h[3] = 0xa54ff53a;
  h[4] = 0x510e527f, h[5] = 0x9b05688c, h[6] = 0x1f83d9ab, h[7] = 0x5be0cd19;
}

/** FIPS 180-4, 6.2.2. All indices are constants after unrolling, so that nothing leaves the registers. */
DEVICE void compress(u32 (&h)[8], u32 (&w)[16]) {
  u32 s[8];
#pragma unroll
  for (int i = 0; i < 8; i++) s[i] = h[i];
#pragma unroll
  for (int t = 0; t < 64; t++) {
    if (t >= 16) {
      u32 w15 = w[(t + 1) & 15], w2 = w[(t + 14) & 15];
      w[t & 15] += (rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >> 3) + w[(t + 9) & 15] +
                   (rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >> 10);
    }
    // the eight names move instead of the eight values
    u32 &a = s[(64 - t) & 7], &b = s[(65 - t) & 7], &c = s[(66 - t) & 7], &d = s[(67 - t) & 7];
    u32 &e = s[(68 - t) & 7], &f = s[(69 - t) & 7], &g = s[(70 - t) & 7], &z = s[(71 - t) & 7];
    u32 sum = z + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[t] + w[t & 15];
    d += sum;
    z = sum + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
  }
#pragma unroll
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

DEVICE u32 swapBytes(u32 x) { return permute(x, 0, 0x0123); }

/**
 * `to[i] = SHA-256(tag, run i)`, one lane for each run. A warp takes 64 bytes of each of its 32 runs at a time: four lanes read
 * those of one run, so that whole sectors come from memory, and leave them where its own lane finds them. Groups of 16 bytes lie
 * rotated, so that eight lanes meet eight times four banks when they write and when they read.
 */
KERNEL LAUNCH_BOUNDS(32 * WARPS, 7) void hashRuns(const u8 *from, u8 *to, u32 count, u32 bytes, u32 tag) {
  SHARED static Words4 staged[WARPS][128];
  u32 lane = threadX() & 31;
  Words4 *mine = staged[threadX() >> 5];
  u32 firstRun = (blockX() * WARPS + (threadX() >> 5)) * 32;
  u32 part = lane & 3;
  u32 blocks = bytes / 64 + 1; // the tag, at most 48 bytes that are left, the end mark and the length always fit into one more

  // of the runs that this lane reads for others; beyond the last run it reads the last
  const u8 *runs[4];
#pragma unroll
  for (u32 k = 0; k < 4; k++) {
    u32 run = firstRun + 8 * k + (lane >> 2);
    runs[k] = from + (u64)(run < count ? run : count - 1) * bytes + 16 * part;
  }
  Words4 next[4];
  auto fetch = [&](u32 at) {
    u32 left = at + 16 * part;
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
      next[k] = Words4{left == bytes ? 0x80u : 0u, 0, 0, 0};
      if (left < bytes) next[k] = *(const Words4 *)(runs[k] + at);
    }
  };

  u32 h[8], w[16];
  start(h);
  u32 before = tag << 24;
  fetch(0);
  for (u32 block = 0; block < blocks; block++) {
    syncWarp();
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
      u32 run = 8 * k + (lane >> 2);
      mine[run * 4 + (part ^ (run >> 1 & 3))] = next[k];
    }
    syncWarp();
#pragma unroll
    for (u32 p = 0; p < 4; p++) {
      Words4 four = loadShared(sharedAddress(mine) + 16 * (lane * 4 + (p ^ (lane >> 1 & 3))));
#pragma unroll
      for (u32 i = 0; i < 4; i++) {
        w[4 * p + i] = permute(before, four[i], 0x3456); // one byte behind, and the other way round
        before = four[i];
      }
    }
    if (block + 1 < blocks) fetch(64 * (block + 1)); // comes while this block is hashed
    else w[15] = 8 * (bytes + 1);
    compress(h, w);
  }
  if (firstRun + lane >= count) return;
  Words4 *out = (Words4 *)(to + (u64)(firstRun + lane) * 32);
  out[0] = Words4{swapBytes(h[0]), swapBytes(h[1]), swapBytes(h[2]), swapBytes(h[3])};
  out[1] = Words4{swapBytes(h[4]), swapBytes(h[5]), swapBytes(h[6]), swapBytes(h[7])};
}

#define NODES 128

/**
 * `node i = SHA-256(tag, node 2i, node 2i + 1)` of a tree in heap order, `levels` of them from the one of `width` nodes on: a block
 * takes 128 neighbours, then those above them, which are of nobody else's children.
 */
KERNEL LAUNCH_BOUNDS(NODES, 1) void hashLevels(Words4 *heap, u32 width, u32 levels, u32 tag) {
  SHARED static Words4 below[2 * NODES];
  u32 lane = threadX(), shared = sharedAddress(below);
  u32 count = width < NODES ? width : NODES;
  u32 first = width + blockX() * NODES;
  Words4 children[4];
  if (lane < count)
#pragma unroll
    for (u32 p = 0; p < 4; p++) children[p] = heap[4 * (first + lane) + p];
#pragma unroll 1
  for (u32 level = 0; level < levels; level++) {
    if (lane < count) {
      u32 h[8], w[16];
      start(h);
      u32 before = tag << 24;
#pragma unroll
      for (u32 i = 0; i < 16; i++) {
        u32 word = children[i / 4][i % 4];
        w[i] = permute(before, word, 0x3456);
        before = word;
      }
#pragma unroll 1
      for (u32 block = 0; block < 2; block++) {
        compress(h, w);
        w[0] = permute(before, 0x80, 0x3456);
#pragma unroll
        for (u32 i = 1; i < 15; i++) w[i] = 0;
        w[15] = 8 * 65;
      }
      Words4 low = {swapBytes(h[0]), swapBytes(h[1]), swapBytes(h[2]), swapBytes(h[3])};
      Words4 high = {swapBytes(h[4]), swapBytes(h[5]), swapBytes(h[6]), swapBytes(h[7])};
      heap[2 * (first + lane)] = low;
      heap[2 * (first + lane) + 1] = high;
      storeShared(shared + 32 * lane, low);
      storeShared(shared + 32 * lane + 16, high);
    }
    syncWarp(); // a wait of the block is for whole warps
    syncBlock();
    count /= 2, first /= 2;
    if (lane < count)
#pragma unroll
      for (u32 p = 0; p < 4; p++) children[p] = loadShared(shared + 64 * lane + 16 * p);
    syncWarp();
    syncBlock();
  }
}

/**
 * Word 0, made odd, of SHA-256("assay/compute/x", seed, label, i, leaf i, leaf i). Fifteen bytes before the seed: each word of the
 * message begins with the second byte of a word as it lies in memory.
 * @param rows, columns leaf 0
 */
KERNEL LAUNCH_BOUNDS(128, 1) void tweakRows(const u8 *rows, const u8 *columns, u32 *to, u32 label, u32 n, u32 seed0, u32 seed1,
                                            u32 seed2, u32 seed3, u32 seed4, u32 seed5, u32 seed6, u32 seed7) {
  u32 i = blockX() * 128 + threadX();
  if (i >= n) return;
  const Words4 *row = (const Words4 *)(rows + 32 * (u64)i);
  const Words4 *column = (const Words4 *)(columns + 32 * (u64)i);
  Words4 r0 = row[0], r1 = row[1], c0 = column[0], c1 = column[1];
  u32 source[26] = {seed0, seed1, seed2, seed3, seed4, seed5, seed6, seed7, label, i,    r0.x, r0.y, r0.z,
                    r0.w,  r1.x,  r1.y,  r1.z,  r1.w,  c0.x,  c0.y,  c0.z,  c0.w, c1.x, c1.y, c1.z, c1.w};
  u32 h[8], w[16];
  start(h);
  w[0] = 0x61737361, w[1] = 0x792f636f, w[2] = 0x6d707574; // "assa", "y/co", "mput"
  w[3] = permute(0x782f6500, source[0], 0x1234);           // "e/x" and a byte of the seed
#pragma unroll
  for (int k = 4; k < 16; k++) w[k] = permute(source[k - 4], source[k - 3], 0x1234);
  compress(h, w);
#pragma unroll
  for (int k = 0; k < 13; k++) w[k] = permute(source[k + 12], source[k + 13], 0x1234);
  w[13] = permute(source[25], 0x80, 0x1234);
  w[14] = 0, w[15] = 8 * 119;
  compress(h, w);
  to[i] = swapBytes(h[0]) | 1;
}
