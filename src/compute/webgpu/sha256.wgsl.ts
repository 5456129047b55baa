// Owns: WGSL of SHA-256 and of the three kernels that hash. Does not own: what is hashed (../spec).

/** First 32 bits of the fractional parts of cube roots of the first primes (FIPS 180-4, 4.2.2). */
const K = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
] as const;

const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** All rounds in a row: a table of constants that is indexed at run time is copied to each thread by some compilers. */
function rounds(): string {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const word = (t: number): string => `w${t % 16}`;
  return each(64, (t) => {
    const [a, b, c, d, e, f, g, h] = names.map((_, i) => names[(i + 64 - t) % 8]);
    const schedule =
      t < 16 ? '' : `${word(t)} += small0(${word(t + 1)}) + ${word(t + 9)} + small1(${word(t + 14)});\n  `;
    return `  ${schedule}${h} += large1(${e}) + (${g} ^ (${e} & (${f} ^ ${g}))) + ${K[t]}u + ${word(t)};
  ${d} += ${h};
  ${h} += large0(${a}) + ((${a} & ${b}) | (${c} & (${a} | ${b})));`;
  });
}

const SHA256 = `
struct State { a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32 }

const BEGIN = State(0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u);

fn small0(x: u32) -> u32 { return ((x >> 7u) | (x << 25u)) ^ ((x >> 18u) | (x << 14u)) ^ (x >> 3u); }
fn small1(x: u32) -> u32 { return ((x >> 17u) | (x << 15u)) ^ ((x >> 19u) | (x << 13u)) ^ (x >> 10u); }
fn large0(x: u32) -> u32 { return ((x >> 2u) | (x << 30u)) ^ ((x >> 13u) | (x << 19u)) ^ ((x >> 22u) | (x << 10u)); }
fn large1(x: u32) -> u32 { return ((x >> 6u) | (x << 26u)) ^ ((x >> 11u) | (x << 21u)) ^ ((x >> 25u) | (x << 7u)); }

fn swap(x: u32) -> u32 {
  return (((x >> 8u) | (x << 24u)) & 0xff00ff00u) | (((x << 8u) | (x >> 24u)) & 0x00ff00ffu);
}

fn compress(s: State, words: ptr<function, array<u32, 16>>) -> State {
  var a = s.a; var b = s.b; var c = s.c; var d = s.d; var e = s.e; var f = s.f; var g = s.g; var h = s.h;
${each(16, (i) => `  var w${i} = (*words)[${i}];`)}
${rounds()}
  return State(s.a + a, s.b + b, s.c + c, s.d + d, s.e + e, s.f + f, s.g + g, s.h + h);
}
`;

/** The hash's bytes as words of memory. */
const swapped = (s: string): string => [...'abcdefgh'].map((name) => `swap(${s}.${name})`).join(', ');

/**
 * One thread a run; a preimage begins with one byte, so each word of a block is a byte of the word before and three of its own.
 * Blocks of 64 runs are read together through the group's memory, since runs lie far apart: a row of 17 words keeps lanes that
 * read the same word of their own run in different banks.
 */
export const HASH_RUNS = `${SHA256}
struct Params { source: u32, to: u32, count: u32, words: u32, tag: u32, blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> hashes: array<u32>;
var<workgroup> tile: array<u32, 1088>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 64u;
  let column = lane & 15u;
  var s = BEGIN;
  var before = p.tag;
  var w: array<u32, 16>;
  for (var block = 0u; block < p.blocks; block++) {
    let word = block * 16u + column;
    for (var r = lane >> 4u; r < 64u; r += 4u) {
      var value = select(0u, 0x80000000u, word == p.words);
      if (word < p.words && first + r < p.count) {
        value = swap(source[p.source + (first + r) * p.words + word]);
      }
      tile[r * 17u + column] = value;
    }
    workgroupBarrier();
${each(
  16,
  (i) => `    let next${i} = tile[lane * 17u + ${i}u];
    w[${i}] = (${i === 0 ? 'before' : `next${i - 1}`} << 24u) | (next${i} >> 8u);`,
)}
    before = next15;
    if (block + 1u == p.blocks) { w[15] = p.words * 32u + 8u; }
    s = compress(s, &w);
    workgroupBarrier();
  }
  if (first + lane < p.count) {
    let to = p.to + (first + lane) * 8u;
    let out = array<u32, 8>(${swapped('s')});
${each(8, (i) => `    hashes[to + ${i}u] = out[${i}];`)}
  }
}
`;

/** A group begins with 64 nodes: seven levels up to one. */
export const LEVELS_AT_ONCE = 7;

/**
 * A group hashes 64 nodes of one level, then those above them, which are of nobody else's children: one thread a node, its children's
 * 64 bytes and a block that is padding but for their last byte.
 */
export const HASH_LEVELS = `${SHA256}
struct Params { width: u32, levels: u32, tag: u32, blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> heap: array<vec4<u32>>;
var<workgroup> below: array<vec4<u32>, 128>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var count = min(p.width, 64u);
  var first = p.width + group.x * 64u;
  var children: array<vec4<u32>, 4>;
  if (lane < count) {
${each(4, (i) => `    children[${i}] = heap[4u * (first + lane) + ${i}u];`)}
  }
  for (var level = 0u; level < p.levels; level++) {
    if (lane < count) {
      var w: array<u32, 16>;
${each(4, (i) => `      let child${i} = children[${i}];`)}
      let r = array<u32, 17>(p.tag,
        ${Array.from({ length: 16 }, (_, i) => `swap(child${i >> 2}.${'xyzw'[i & 3]})`).join(', ')},
      );
${each(16, (i) => `      w[${i}] = (r[${i}] << 24u) | (r[${i + 1}] >> 8u);`)}
      var s = BEGIN;
      // a bound that the compiler does not know: two copies of all rounds do not fit every instruction cache
      for (var block = 0u; block < p.blocks; block++) {
        s = compress(s, &w);
        w = array<u32, 16>((r[16] << 24u) | 0x00800000u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 520u);
      }
      let low = vec4(swap(s.a), swap(s.b), swap(s.c), swap(s.d));
      let high = vec4(swap(s.e), swap(s.f), swap(s.g), swap(s.h));
      heap[2u * (first + lane)] = low;
      heap[2u * (first + lane) + 1u] = high;
      below[2u * lane] = low;
      below[2u * lane + 1u] = high;
    }
    workgroupBarrier();
    count /= 2u;
    first /= 2u;
    if (lane < count) {
${each(4, (i) => `      children[${i}] = below[4u * lane + ${i}u];`)}
    }
    workgroupBarrier();
  }
}
`;

/** 15 bytes: three words, and three bytes that shift all words after them. */
const PREFIX = 'assay/compute/x';
const prefixWord = (at: number): number =>
  [0, 1, 2, 3].reduce((word, i) => word * 256 + (PREFIX.charCodeAt(at + i) || 0), 0);

/** One thread a row. `seed` are the words of seed and label as they stand in the preimage. */
export const TWEAK_ROWS = `${SHA256}
struct Params { n: u32, label: u32, blocks: u32, unused: u32, seed0: vec4<u32>, seed1: vec4<u32> }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read_write> tweaks: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x;
  if (row >= p.n) { return; }
  let leaf = (p.n + row) * 8u;
  let q = array<u32, 27>(${prefixWord(12) >>> 8}u,
    p.seed0.x, p.seed0.y, p.seed0.z, p.seed0.w, p.seed1.x, p.seed1.y, p.seed1.z, p.seed1.w, swap(p.label), swap(row),
    ${Array.from({ length: 8 }, (_, i) => `swap(rows[leaf + ${i}u])`).join(', ')},
    ${Array.from({ length: 8 }, (_, i) => `swap(columns[leaf + ${i}u])`).join(', ')},
  );
  var w: array<u32, 16>;
  w[0] = ${prefixWord(0)}u;
  w[1] = ${prefixWord(4)}u;
  w[2] = ${prefixWord(8)}u;
${each(13, (i) => `  w[${i + 3}] = (q[${i}] << 8u) | (q[${i + 1}] >> 24u);`)}
  var s = BEGIN;
  for (var block = 0u; block < p.blocks; block++) {
    s = compress(s, &w);
${each(13, (i) => `    w[${i}] = (q[${i + 13}] << 8u) | (q[${i + 14}] >> 24u);`)}
    w[13] = (q[26] << 8u) | 0x80u;
    w[14] = 0u;
    w[15] = ${8 * 119}u;
  }
  tweaks[row] = swap(s.a) | 1u;
}
`;
