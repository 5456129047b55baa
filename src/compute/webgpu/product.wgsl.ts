// Owns: WGSL of int8 dot products: the product, and digests of a keyed pass. Does not own: what they are for (../spec).

const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/**
 * By which instructions: `dot4I8Packed`; products of 32-bit integers, for WGSL without it; or of floats, which are the fast
 * ones of processors that only imitate it. All are exact: |a b| <= 2^13, so that sums of 2^11 of them are whole floats.
 */
export type Arithmetic = 'packed' | 'integer' | 'float';

/** What a thread of a 16 x 16 group holds in registers: `4 * groups` columns of `rows` rows. */
export interface ProductVariant {
  readonly arithmetic: Arithmetic;
  readonly rows: number;
  readonly groups: number;
}

export const tileRows = ({ rows }: ProductVariant): number => 16 * rows;
export const tileColumns = ({ groups }: ProductVariant): number => 64 * groups;

/** Tiles of 128 x 128, with 64 bytes of each row and column, take all of the group's memory that every device has: 16 KiB. */
export const defaultProduct = (packed: boolean): ProductVariant => ({
  arithmetic: packed ? 'packed' : 'integer',
  rows: 8,
  groups: 2,
});

/** Large tiles read least; small ones leave registers to devices that have few of them for each thread. */
export const PRODUCT_VARIANTS: readonly ProductVariant[] = [
  { arithmetic: 'packed', rows: 8, groups: 2 },
  { arithmetic: 'packed', rows: 8, groups: 1 },
  { arithmetic: 'packed', rows: 4, groups: 1 },
  { arithmetic: 'integer', rows: 8, groups: 1 },
  { arithmetic: 'float', rows: 8, groups: 1 },
];

/**
 * Both operands are read as 16 bytes along the summed index, which is what both have in a row. The next 64 bytes are fetched
 * while these are multiplied. A column's place in the group's memory is chosen so that 16 lanes read 16 places in a row, and
 * yet each lane holds four columns in a row, which it writes at once.
 */
export function productWgsl(
  { arithmetic, rows, groups }: ProductVariant,
  { folded }: { readonly folded: boolean },
): string {
  const tall = 16 * rows;
  const wide = 64 * groups;
  const loadsA = tall / 64;
  const loadsB = wide / 64;
  const lanes = [...'xyzw'];
  const accumulators = Array.from({ length: rows * groups }, (_, i) => `c${i}`);
  const own = (r: number, g: number): string => `c${r * groups + g}`;
  const float = arithmetic === 'float';
  /** where products are added first */
  const near = (r: number, g: number): string => (float ? `f${r * groups + g}` : own(r, g));
  const bytes = float ? 'floats' : 'bytes';

  /** Of one place of four times 16 bytes. */
  const packedStep = each(groups * 4, (column) => {
    const g = column >> 2;
    const lane = lanes[column & 3];
    const b = `b${column}`;
    const load = `      let ${b} = right[k * ${wide}u + ${g * 64 + (column & 3) * 16}u + at.x];`;
    const line = (r: number): string =>
      lanes.map((word) => `${own(r, g)}.${lane} += dot4I8Packed(a${r}.${word}, ${b}.${word});`).join(' ');
    return `${load}\n${each(rows, (r) => `      ${line(r)}`)}`;
  });
  /** Bytes are taken out of words once for each row and column, not once for each pair of them. */
  const plainStep = each(4, (word) => {
    const w = lanes[word];
    const left = each(rows, (r) => `      let a${r}${w} = ${bytes}(a${r}.${w});`);
    const columns = each(groups * 4, (column) => {
      const g = column >> 2;
      const b = `b${column}${w}`;
      const load = `      let ${b} = ${bytes}(right[k * ${wide}u + ${g * 64 + (column & 3) * 16}u + at.x].${w});`;
      return `${load}\n${each(rows, (r) => `      ${near(r, g)}.${lanes[column & 3]} += dot(a${r}${w}, ${b});`)}`;
    });
    return `${left}\n${columns}`;
  });

  const store = (r: number, g: number): string => {
    const at = `(row0 + ${r}u) * (p.n >> 2u) + ((column0 + ${64 * g}u) >> 2u) + at.x`;
    const guard = `if (row0 + ${r}u < p.rows && column0 + ${64 * g}u + 4u * at.x < p.n)`;
    const value = folded ? `fold(${own(r, g)})` : own(r, g);
    return `  ${guard} { product[${at}] = ${value}; }`;
  };
  return `
struct Params { n: u32, rows: u32, first: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> product: array<${folded ? 'u32' : 'vec4<i32>'}>;
var<workgroup> left: array<vec4<u32>, ${4 * tall}>;
var<workgroup> right: array<vec4<u32>, ${4 * wide}>;
${arithmetic === 'packed' ? '' : BYTES}
fn fold(x: vec4<i32>) -> u32 {
  let y = bitcast<vec4<u32>>(x ^ (x >> vec4(8u)) ^ (x >> vec4(16u))) & vec4(0xffu);
  return y.x | (y.y << 8u) | (y.z << 16u) | (y.w << 24u);
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) at: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = p.n >> 4u;
  let top = p.first + group.y * ${tall}u;
  let column0 = group.x * ${wide}u;
  let row0 = top + at.y * ${rows}u;
  // four lanes fetch 64 bytes of one row
  let fetched = lane >> 2u;
  let piece = lane & 3u;
  let place = ((fetched & 3u) << 4u) | (fetched >> 2u);
${each(loadsA, (i) => `  var nextA${i}: vec4<u32>;`)}
${each(loadsB, (i) => `  var nextB${i}: vec4<u32>;`)}
${each(loadsA, (i) => `  let rowA${i} = top + fetched + ${64 * i}u;`)}
${each(loadsB, (i) => `  let rowB${i} = column0 + fetched + ${64 * i}u;`)}
${each(accumulators.length, (i) => `  var ${accumulators[i]} = vec4<i32>(0);`)}
${float ? each(accumulators.length, (i) => `  var f${i} = vec4<f32>(0.0);`) : ''}
${each(loadsA, (i) => `  if (rowA${i} < p.rows && piece < depth) { nextA${i} = a[rowA${i} * depth + piece]; }`)}
${each(loadsB, (i) => `  if (rowB${i} < p.n && piece < depth) { nextB${i} = b[rowB${i} * depth + piece]; }`)}
  for (var begin = 0u; begin < depth; begin += 4u) {
${each(loadsA, (i) => `    left[piece * ${tall}u + fetched + ${64 * i}u] = nextA${i};`)}
${each(loadsB, (i) => `    right[piece * ${wide}u + place + ${64 * i}u] = nextB${i};`)}
    workgroupBarrier();
    let ahead = begin + 4u + piece;
    if (ahead < depth) {
${each(loadsA, (i) => `      if (rowA${i} < p.rows) { nextA${i} = a[rowA${i} * depth + ahead]; }`)}
${each(loadsB, (i) => `      if (rowB${i} < p.n) { nextB${i} = b[rowB${i} * depth + ahead]; }`)}
    }
    for (var k = 0u; k < 4u; k++) {
${each(rows, (r) => `      let a${r} = left[k * ${tall}u + at.y * ${rows}u + ${r}u];`)}
${arithmetic === 'packed' ? packedStep : plainStep}
    }${float ? `\n    if ((begin & 127u) == 124u || begin + 4u >= depth) {\n${each(accumulators.length, (i) => `      c${i} += vec4<i32>(f${i}); f${i} = vec4<f32>(0.0);`)}\n    }` : ''}
    workgroupBarrier();
  }
${each(rows, (r) => each(groups, (g) => store(r, g)))}
}
`;
}

const BYTES = `
fn bytes(x: u32) -> vec4<i32> {
  let y = bitcast<i32>(x);
  return vec4(extractBits(y, 0u, 8u), extractBits(y, 8u, 8u), extractBits(y, 16u, 8u), extractBits(y, 24u, 8u));
}

fn floats(x: u32) -> vec4<f32> { return vec4<f32>(bytes(x)); }
`;

/** Blocks that one group digests: as many as their threads' sums fit into the group's memory. */
export const DIGESTS_PER_GROUP = 8;

/** Four products of each block with the key's columns, whose bytes a thread holds in registers for all blocks of its group. */
export function digestsWgsl({ packed }: { packed: boolean }): string {
  return `
struct Params { first: u32, blocks: u32, to: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> key: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> digests: array<vec4<i32>>;
var<workgroup> sums: array<vec4<i32>, 1024>;
${packed ? '' : BYTES}
fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
  return ${[...'xyzw'].map((w) => (packed ? `dot4I8Packed(a.${w}, b.${w})` : `dot(bytes(a.${w}), bytes(b.${w}))`)).join(' + ')};
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * ${DIGESTS_PER_GROUP}u;
${each(4, (c) => `  let low${c} = key[${256 * c}u + lane];\n  let high${c} = key[${256 * c + 128}u + lane];`)}
  for (var i = 0u; i < ${DIGESTS_PER_GROUP}u; i++) {
    var sum = vec4<i32>(0);
    if (first + i < p.blocks) {
      let at = (p.first + first + i) * 256u + lane;
      let low = source[at];
      let high = source[at + 128u];
      sum = vec4(${Array.from({ length: 4 }, (_, c) => `dot16(low, low${c}) + dot16(high, high${c})`).join(', ')});
    }
    sums[i * 128u + lane] = sum;
  }
  workgroupBarrier();
  let block = lane >> 4u;
  let own = block * 128u + (lane & 15u);
  var sum = sums[own];
  for (var i = 1u; i < 8u; i++) { sum += sums[own + 16u * i]; }
  sums[own] = sum;
  workgroupBarrier();
  if ((lane & 15u) == 0u && first + block < p.blocks) {
    for (var i = 1u; i < 16u; i++) { sum += sums[own + i]; }
    digests[p.to + first + block] = sum;
  }
}
`;
}
