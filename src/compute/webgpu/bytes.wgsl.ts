// Owns: WGSL of the kernels that move or add bytes. Does not own: what is joined (../spec/chain.ts).

/**
 * Tiles of 64 x 64 bytes. A thread turns 4 x 4 bytes in registers and the group's memory turns the blocks, so that both sides
 * are read and written in runs of 64 bytes.
 */
export const TRANSPOSE = `
struct Params { words: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> turned: array<u32>;
var<workgroup> tile: array<u32, 1088>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) at: vec3<u32>) {
  let x = group.x * 16u + at.x;
  let y = group.y * 16u + at.y;
  if (x < p.words && y < p.words) {
    let a = source[(4u * y) * p.words + x];
    let b = source[(4u * y + 1u) * p.words + x];
    let c = source[(4u * y + 2u) * p.words + x];
    let d = source[(4u * y + 3u) * p.words + x];
    // pairs of bytes, then pairs of pairs
    let ab = (a & 0x00ff00ffu) | ((b & 0x00ff00ffu) << 8u);
    let AB = ((a >> 8u) & 0x00ff00ffu) | (b & 0xff00ff00u);
    let cd = (c & 0x00ff00ffu) | ((d & 0x00ff00ffu) << 8u);
    let CD = ((c >> 8u) & 0x00ff00ffu) | (d & 0xff00ff00u);
    let to = 4u * at.x * 17u + at.y;
    tile[to] = (ab & 0x0000ffffu) | (cd << 16u);
    tile[to + 17u] = (AB & 0x0000ffffu) | (CD << 16u);
    tile[to + 34u] = (ab >> 16u) | (cd & 0xffff0000u);
    tile[to + 51u] = (AB >> 16u) | (CD & 0xffff0000u);
  }
  workgroupBarrier();
  let toX = group.y * 16u + at.x;
  let toY = group.x * 16u + at.y;
  if (toX < p.words && toY < p.words) {
    for (var i = 0u; i < 4u; i++) {
      turned[(4u * toY + i) * p.words + toX] = tile[(4u * at.y + i) * 17u + at.x];
    }
  }
}
`;

/** One thread four bytes. */
export const JOIN = `
struct Params { words: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<u32>;
@group(0) @binding(4) var<storage, read> y: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> joined: array<u32>;

/** Sums of bytes: the top bits apart, so that nothing is carried into the neighbour. */
fn add(a: u32, b: u32) -> u32 {
  return ((a & 0x7f7f7f7fu) + (b & 0x7f7f7f7fu)) ^ ((a ^ b) & 0x80808080u);
}

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.words || id.y >= 4u * p.words) { return; }
  let at = id.y * p.words + id.x;
  let t = x[id.y] * y[id.x];
  let tweak = (t.x >> 24u) | ((t.y >> 16u) & 0xff00u) | ((t.z >> 8u) & 0xff0000u) | (t.w & 0xff000000u);
  joined[at] = add(add(rows[at], columns[at]), tweak);
}
`;

/** One thread four bytes, of four rows. */
export const COLUMN = `
struct Params { n: u32, index: u32, to: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> column: array<u32>;

fn entry(row: u32) -> u32 {
  return (source[(row * p.n + p.index) >> 2u] >> ((p.index & 3u) * 8u)) & 0xffu;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = 4u * id.x;
  if (row >= p.n) { return; }
  column[p.to + id.x] = entry(row) | (entry(row + 1u) << 8u) | (entry(row + 2u) << 16u) | (entry(row + 3u) << 24u);
}
`;
