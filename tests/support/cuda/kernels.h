/* What the kernels of a card give, in plain C: for driver.c. Arguments lie as a launch of ours packs them, which is C's layout.
 * It is a third writing of src/compute/gpu/plain.ts and knows nothing of blocks, threads or time. */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;

static u32 turned(u32 x, int by) { return (x >> by) | (x << (32 - by)); }
static u32 big_endian(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static const u32 ROUND[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static void compress(u32 state[8], const u8 *block) {
  u32 w[64], s[8];
  for (int i = 0; i < 16; i++) w[i] = big_endian(block + 4 * i);
  for (int i = 16; i < 64; i++) {
    u32 a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
  }
  memcpy(s, state, 32);
  for (int i = 0; i < 64; i++) {
    u32 e = s[4], a = s[0];
    u32 t = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + ROUND[i] + w[i];
    u32 v = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 28);
    s[4] += t;
    s[0] = t + v;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

/* SHA-256 of `prefix`, then `bytes` */
static void sha256(const u8 *prefix, size_t before, const u8 *bytes, size_t count, u8 *out) {
  u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  size_t total = before + count, padded = (total + 9 + 63) / 64 * 64;
  u8 *all = calloc(padded, 1);
  memcpy(all, prefix, before);
  memcpy(all + before, bytes, count);
  all[total] = 0x80;
  for (int i = 0; i < 8; i++) all[padded - 1 - i] = (u8)((uint64_t)total * 8 >> 8 * i);
  for (size_t at = 0; at < padded; at += 64) compress(state, all + at);
  free(all);
  for (int i = 0; i < 32; i++) out[i] = (u8)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static int32_t dot(const int8_t *a, const int8_t *b, u32 n) {
  int32_t sum = 0;
  for (u32 k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

static int named(const char *function, const char *name) { return strcmp(function, name) == 0; }

static int run_kernel(const char *function, const void *args, size_t bytes, u32 threads) {
  const char *wrong = getenv("FAKE_WRONG");
  u8 flaw = wrong && named(function, wrong);
/* a launch ends with its last argument, a structure with what its alignment asks for */
#define ARGS(...) struct { __VA_ARGS__ } x; if (bytes > sizeof x || bytes + 4 < sizeof x) return 1; memcpy(&x, args, bytes)
  if (named(function, "fill")) { /* every word becomes `value` plus the number of threads that there are */
    ARGS(u32 value; u32 *words; u32 count;);
    for (u32 i = 0; i < x.count; i++) x.words[i] = x.value + threads;
    return 0;
  }
  if (named(function, "boxes")) { /* what describes them, as it was handed over */
    ARGS(u8 *to, unused[56], map[128]; u32 last;);
    memcpy(x.to, x.map, 128);
    memcpy(x.to + 128, &x.last, 4);
    return 0;
  }
  if (named(function, "hashRuns")) {
    ARGS(const u8 *from; u8 *to; u32 count, bytes, tag;);
    u8 tag = (u8)(x.tag ^ flaw);
    for (u32 i = 0; i < x.count; i++) sha256(&tag, 1, x.from + (size_t)i * x.bytes, x.bytes, x.to + 32 * (size_t)i);
    return 0;
  }
  if (named(function, "hashLevels")) {
    ARGS(u8 *heap; u32 width, levels, tag;);
    u8 tag = (u8)(x.tag ^ flaw);
    for (u32 width = x.width; width > x.width >> x.levels; width /= 2)
      for (u32 i = width; i < 2 * width; i++) sha256(&tag, 1, x.heap + 64 * (size_t)i, 64, x.heap + 32 * (size_t)i);
    return 0;
  }
  if (named(function, "transpose")) {
    ARGS(const u8 *from; u8 *to; u32 n;);
    for (u32 i = 0; i < x.n; i++) for (u32 j = 0; j < x.n; j++) x.to[(size_t)j * x.n + i] = x.from[(size_t)i * x.n + j] ^ flaw;
    return 0;
  }
  if (named(function, "tweakRows")) {
    ARGS(const u8 *rows, *columns; u32 *to; u32 label, n; u8 seed[32];);
    for (u32 i = 0; i < x.n; i++) {
      u8 prefix[15 + 32 + 8 + 32], digest[32];
      memcpy(prefix, "assay/compute/x", 15);
      memcpy(prefix + 15, x.seed, 32);
      memcpy(prefix + 47, &x.label, 4);
      memcpy(prefix + 51, &i, 4);
      memcpy(prefix + 55, x.rows + 32 * (size_t)i, 32);
      sha256(prefix, sizeof prefix, x.columns + 32 * (size_t)i, 32, digest);
      memcpy(&x.to[i], digest, 4);
      x.to[i] = (x.to[i] | 1) + 2 * flaw;
    }
    return 0;
  }
  if (named(function, "join")) {
    ARGS(const u8 *rows, *columns; const u32 *x, *y; u8 *to; u32 n, shift;);
    for (u32 i = 0; i < x.n; i++)
      for (u32 k = 0; k < x.n; k++) {
        size_t at = (size_t)i * x.n + k;
        x.to[at] = (u8)(x.rows[at] + x.columns[at] + (x.x[i] * x.y[k] >> 24) + flaw);
      }
    return 0;
  }
  if (named(function, "product") || named(function, "productSmall")) {
    ARGS(const int8_t *a, *b; int32_t *to; u32 rows, n;);
    for (u32 i = 0; i < x.rows; i++)
      for (u32 j = 0; j < x.n; j++) x.to[(size_t)i * x.n + j] = dot(x.a + (size_t)i * x.n, x.b + (size_t)j * x.n, x.n) ^ flaw;
    return 0;
  }
  if (named(function, "productFold") || named(function, "productFoldSmall")) {
    ARGS(const int8_t *a, *b; u8 *to; u32 n;);
    for (u32 i = 0; i < x.n; i++)
      for (u32 j = 0; j < x.n; j++) {
        int32_t c = dot(x.a + (size_t)i * x.n, x.b + (size_t)j * x.n, x.n);
        x.to[(size_t)i * x.n + j] = (u8)(c ^ c >> 8 ^ c >> 16) ^ flaw;
      }
    return 0;
  }
  if (named(function, "digests")) {
    ARGS(const int8_t *from, *key; int32_t *to; u32 blocks, each;);
    for (u32 block = 0; block < x.blocks; block++)
      for (u32 column = 0; column < 4; column++)
        x.to[4 * (size_t)block + column] = dot(x.from + 4096 * (size_t)block, x.key + 4096 * column, 4096) ^ flaw;
    return 0;
  }
  if (named(function, "column")) {
    ARGS(const u8 *from; u32 n, index; u8 *to;);
    for (u32 i = 0; i < x.n; i++) x.to[i] = x.from[(size_t)i * x.n + x.index] ^ flaw;
    return 0;
  }
  return 719;
}
