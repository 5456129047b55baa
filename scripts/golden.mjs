#!/usr/bin/env node
// Writes tests/vectors/compute/labels.json: what the plain reference (src/compute/spec/) gives for every operation that a
// device does. scripts/golden_check.py computes the same from docs/proofs/compute.md and kernels.md alone.
// Usage: node scripts/golden.mjs [--check]     --check writes nothing and exits 1 when the file is not what comes out
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const spec = (name) => import(`../src/compute/spec/${name}.ts`);
const chainSpec = await spec('chain');
const digestSpec = await spec('digest');
const { createPlainLabels, BLOCK_BYTES } = await spec('plain-labels');
const { createReferenceCompute } = await import('../src/compute/cpu/reference.ts');

const file = new URL('../tests/vectors/compute/labels.json', import.meta.url);
const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const hex = (array) => bytesOf(array).toString('hex');
const sha = (array) => createHash('sha256').update(bytesOf(array)).digest('hex');
/** Anybody can make these: SHA-256 of a text. */
const named = (text) => new Uint8Array(createHash('sha256').update(text).digest());

const vectors = {
  origin: 'the plain reference of this repository, src/compute/spec/',
  command: 'node scripts/golden.mjs',
  confirmedBy: 'python3 scripts/golden_check.py',
  fold: foldCase(),
  join: joinCase(),
  leaves: [16, 1024, 2048, 16_384].map(leafCase),
  digests: digestCases(),
  chains: [await chainCase(16, 9, 5), await chainCase(64, 6, 4)],
};
const text = `${JSON.stringify(vectors, undefined, 1)}\n`;
const kept = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
if (kept !== text) {
  if (process.argv.includes('--check')) {
    console.log('tests/vectors/compute/labels.json: not what the plain reference gives');
    process.exitCode = 1;
  } else {
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, text);
  }
}

function foldCase() {
  const c = Int32Array.of(
    0,
    1,
    -1,
    255,
    256,
    -256,
    2 ** 22 - 1,
    -(2 ** 22),
    2 ** 31 - 1,
    -(2 ** 31),
    65_793,
    -12_345,
  );
  const out = new Uint8Array(c.length);
  chainSpec.fold(c, out);
  return { accumulators: [...c], bytes: hex(out) };
}

function joinCase() {
  const row = Uint8Array.of(255, 255, 0, 128, 127, 1);
  const column = Uint8Array.of(255, 0, 0, 128, 127, 254);
  const y = Uint32Array.of(0xffff_ffff, 0x8000_0000, 1, 0x0100_0000, 0x1234_5678, 0xdead_beef);
  const x = 0xffff_fff1;
  const out = new Uint8Array(row.length);
  chainSpec.joinRow(row, column, x, y, out);
  return { row: hex(row), column: hex(column), x, y: [...y], bytes: hex(out) };
}

/** A row and a column of n bytes, byte k being 7 k mod 256. */
function leafCase(n) {
  const bytes = Uint8Array.from({ length: n }, (_, k) => 7 * k);
  const leaf = (tag) => {
    const out = new Uint8Array(32);
    new chainSpec.LeafHasher(tag, n).into(bytes, out, 0);
    return hex(out);
  };
  return { n, row: leaf(chainSpec.TAG.rowLeaf), column: leaf(chainSpec.TAG.columnLeaf) };
}

/** One block of each byte under a named key, and the key itself. */
function digestCases() {
  const kappa = named('assay golden pass');
  const key = digestSpec.digestKey(kappa, BLOCK_BYTES);
  const digest = (byte) => {
    const out = new Uint8Array(digestSpec.DIGEST_BYTES);
    digestSpec.digestBlock(new Uint8Array(BLOCK_BYTES).fill(byte), key, out, 0);
    return hex(out);
  };
  return {
    kappa: hex(kappa),
    key: sha(key),
    lowest: digest(128),
    highest: digest(127),
    minusOne: digest(255),
  };
}

/** A whole chain, with tops over `first` labels and over all of them. */
async function chainCase(n, capacity, first) {
  const basis = named(`assay golden basis ${n}`);
  const seed = named(`assay golden seed ${n}`);
  const key = named(`assay golden key ${n}`);
  const b = chainSpec.operandMatrix(basis, n);
  const chain = chainSpec.createChain(seed, n, capacity);
  const multiplier = await createReferenceCompute().loadOperand(b, n);
  const labels = createPlainLabels(
    { basis, seed, n, capacity },
    { exclusive: (use) => use(multiplier), release() {} },
  );
  await labels.extend(capacity, () => true, new AbortController().signal);
  const numbers = Array.from({ length: capacity }, (_, i) => i + 1);
  const everyRow = (label) => Array.from({ length: n }, (_, index) => ({ label, index }));
  const whole = async (label) => Buffer.concat(await labels.rows(everyRow(label)));
  const product = async (label) =>
    Buffer.concat((await labels.accumulators(everyRow(label))).map((c) => bytesOf(c)));
  const roots = async (count) => {
    const { rowRoot, columnRoot } = await labels.roots(count);
    const committed = chainSpec.committedRoot(seed, count, rowRoot, columnRoot);
    return { count, rowRoot: hex(rowRoot), columnRoot: hex(columnRoot), committed: hex(committed) };
  };
  const each = async (give) => {
    const out = [];
    for (const label of numbers) out.push(sha(await give(label)));
    return out;
  };
  const place = { label: 2, index: n - 3 };
  const columnPlace = { label: chain.referenced[0], index: 5 };
  return {
    n,
    capacity,
    basis: hex(basis),
    seed: hex(seed),
    operand: sha(b),
    labelZero: sha(chain.origin()),
    backEdges: [...chain.backEdges.subarray(1)],
    tweakColumns: await each((label) => chain.tweakColumns(label)),
    products: await each(product),
    labels: await each(whole),
    roots: [await roots(first), await roots(capacity)],
    rowPath: { ...place, count: first, path: hex((await labels.rowPaths(first, [place]))[0]) },
    columnPath: {
      ...columnPlace,
      count: capacity,
      path: hex((await labels.columnPaths(capacity, [columnPlace]))[0]),
    },
    ...(n >= 64 ? { pass: await passCase(labels, capacity, key) } : {}),
  };
}

async function passCase(labels, count, key) {
  const leaves = await labels.pass(count, key);
  return { key: hex(key), count, leaves: hex(leaves), firstLeaf: sha(await labels.passLeaf(count, key, 0)) };
}
