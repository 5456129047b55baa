// The verdict once more, from docs/proofs/host-memory.md and the .proto alone: no shared helper but node:crypto, its own reading of
// protobuf, no thought for speed. A second opinion on every transcript.
import { createCipheriv, createHash, createHmac } from 'node:crypto';

/** What the page calls parameters, as far as verdicts hang on them. */
export interface NaiveParams {
  labelBytes: number;
  infoBytes: number;
  maxLanes: number;
  minBytes: number;
  maxBytes: number;
  maxRounds: number;
  maxLeaves: number;
  labelSamples: number;
  digestSamples: number;
  stepSamples: number;
}
export interface NaiveEvidence {
  commits: readonly Uint8Array[];
  pass?: Uint8Array | undefined;
  request: Uint8Array;
  opening: Uint8Array;
}

class Malformed extends Error {}
const must = (holds: boolean): void => {
  if (!holds) throw new Malformed();
};

const sha = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();
const u32 = (x: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(x);
  return out;
};
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const log2 = (count: number): number => {
  let height = 0;
  while (2 ** height < count) height++;
  return height;
};

// ---- canonical protobuf: fields ascending, shortest integers, defaults left out, nothing unknown

type Field = { number: number; value: number | Buffer };
function fieldsOf(bytes: Uint8Array): Field[] {
  const out: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift++) {
      must(at < bytes.length && shift < 5);
      const byte = bytes[at++];
      value += (byte & 127) * 128 ** shift;
      if (byte < 128) {
        must((shift === 0 || byte !== 0) && value < 2 ** 32);
        return value;
      }
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = key >>> 3;
    must(number >= (out.at(-1)?.number ?? 1));
    if ((key & 7) === 0) {
      const value = varint();
      must(value !== 0);
      out.push({ number, value });
    } else {
      must((key & 7) === 2);
      const length = varint();
      must(at + length <= bytes.length);
      out.push({ number, value: Buffer.from(bytes.subarray(at, at + length)) });
      at += length;
    }
  }
  return out;
}
type Kind = 'int' | 'bytes' | 'message' | 'many';
type Value<K> = K extends 'int' ? number : K extends 'many' ? Buffer[] : Buffer;
/** Fields by number; `many` are lists, the others come once at most. */
function message<const K extends Record<number, Kind>>(
  bytes: Uint8Array,
  kinds: K,
): { [N in keyof K]: Value<K[N]> } {
  const out: Record<number, number | Buffer | Buffer[]> = {};
  for (const [number, kind] of Object.entries(kinds))
    if (kind !== 'message') out[+number] = kind === 'int' ? 0 : kind === 'many' ? [] : Buffer.alloc(0);
  const seen = new Set<number>();
  for (const { number, value } of fieldsOf(bytes)) {
    const kind = kinds[number];
    must(kind !== undefined && (kind === 'int') === (typeof value === 'number'));
    if (kind === 'many') (out[number] as Buffer[]).push(value as Buffer);
    else {
      must(!seen.has(number) && (kind !== 'bytes' || (value as Buffer).length > 0));
      seen.add(number);
      out[number] = value;
    }
  }
  for (const [number, kind] of Object.entries(kinds)) if (kind === 'message') must(seen.has(+number));
  return out as { [N in keyof K]: Value<K[N]> };
}

// ---- what each operation gives

export function naiveLabel(
  params: NaiveParams,
  seed: Uint8Array,
  lane: number,
  i: number,
  parents: Buffer[],
): Buffer {
  const name = sha('assay/host/1/label', seed, u32(lane), u32(i));
  const three = parents.length === 3 ? parents : [0, 1, 2].map(() => Buffer.alloc(params.labelBytes));
  const info = Buffer.concat(three.map((parent) => parent.subarray(0, params.infoBytes / 3)));
  const prk = hmac(name, ...three);
  const chunks: Buffer[] = [];
  for (let t = 1; t <= params.labelBytes / 32; t++)
    chunks.push(hmac(prk, chunks.at(-1) ?? Buffer.alloc(0), info, Uint8Array.of(t)));
  return Buffer.concat(chunks);
}
export function naiveParents(seed: Uint8Array, lane: number, i: number): number[] {
  if (i === 0) return [];
  const name = sha('assay/host/1/label', seed, u32(lane), u32(i));
  const at = (from: number): number => Number((BigInt(name.readUInt32LE(from)) * BigInt(i)) >> 32n);
  return [i - 1, at(0), at(4)];
}
const stream = (key: Uint8Array, length: number): Buffer =>
  createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
function naiveDigest(label: Buffer, key: Uint8Array, shift: number): Buffer {
  const bytes = stream(key, 5 * label.length);
  const out = Buffer.alloc(16);
  for (let c = 0; c < 4; c++) {
    let sum = 0;
    for (let i = 0; i < label.length; i++)
      sum += label.readInt8(i) * ((bytes[shift + c * label.length + i] % 128) - 64);
    out.writeInt32LE(sum, 4 * c);
  }
  return out;
}
const M = 2n ** 32n;
const [P1, P2, P3] = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];
function naiveStep(state: Buffer, digest: Buffer): Buffer {
  const words = [0, 4, 8, 12].map((at) => {
    const x = (BigInt(state.readUInt32LE(at)) + BigInt(digest.readUInt32LE(at)) * P2) % M;
    return ((((x << 13n) | (x >> 19n)) % M) * P1) % M;
  });
  for (const [to, from] of [
    [0, 3],
    [1, 0],
    [2, 1],
    [3, 2],
    [0, 3],
  ])
    words[to] = (words[to] + words[from]) % M;
  const out = Buffer.alloc(16);
  for (const [w, word] of words.entries()) {
    let x = word;
    x = ((x ^ (x >> 15n)) * P2) % M;
    x = ((x ^ (x >> 13n)) * P3) % M;
    out.writeUInt32LE(Number(x ^ (x >> 16n)), 4 * w);
  }
  return out;
}

/** Climbs within the lane, then over lanes; undefined when the path has another length. */
function climbs(
  leaf: Buffer,
  index: number,
  lane: number,
  path: Buffer,
  inLane: number,
  overLanes: number,
  tags: [number, number],
): Buffer {
  must(path.length === 32 * (inLane + overLanes));
  let node = leaf;
  for (let h = 0; h < inLane + overLanes; h++) {
    const bit = h < inLane ? Math.floor(index / 2 ** h) % 2 : Math.floor(lane / 2 ** (h - inLane)) % 2;
    const sibling = path.subarray(32 * h, 32 * h + 32);
    const tag = Uint8Array.of(tags[h < inLane ? 0 : 1]);
    node = bit ? sha(tag, sibling, node) : sha(tag, node, sibling);
  }
  return node;
}

export function naiveVerify(params: NaiveParams, seed: Uint8Array, evidence: NaiveEvidence): string {
  try {
    return judge(params, seed, evidence);
  } catch (error) {
    if (error instanceof Malformed) return 'rejected:malformed';
    throw error;
  }
}

function judge(
  params: NaiveParams,
  seed: Uint8Array,
  { commits, pass, request, opening }: NaiveEvidence,
): string {
  const { labelBytes: B } = params;
  must(commits.length === 4 && pass?.length === 32);
  const lanes = message(commits[0], { 1: 'int' })[1];
  must(lanes >= 1 && lanes <= params.maxLanes);
  const { 1: n, 2: root } = message(commits[1], { 1: 'int', 2: 'bytes' });
  must(n >= 1 && n <= 2 ** 20 - 64 && root.length === 32);
  must(lanes * n * B >= params.minBytes && lanes * n * B <= params.maxBytes);
  const roots: Buffer[] = message(commits[2], { 1: 'many' })[1];
  must(roots.length >= 1 && roots.length <= params.maxRounds && roots.every(({ length }) => length === 32));
  const { 1: leaves, 2: walkRoot } = message(commits[3], { 1: 'int', 2: 'bytes' });
  must(leaves >= 1 && leaves <= params.maxLeaves && walkRoot.length === 32);

  const asked = message(request, { 1: 'many', 2: 'many', 3: 'many' });
  const labels = asked[1].map((each: Buffer) => message(each, { 1: 'int', 2: 'int' }));
  const digests = asked[2].map((each: Buffer) => message(each, { 1: 'int', 2: 'int', 3: 'int' }));
  const steps = asked[3].map((each: Buffer) => message(each, { 1: 'int', 2: 'int', 3: 'int' }));
  must(labels.length === params.labelSamples && digests.length === params.digestSamples);
  must(steps.length === params.stepSamples);
  for (const each of labels) must(each[1] < lanes && each[2] < n);
  for (const each of digests) must(each[1] >= 1 && each[1] <= roots.length && each[2] < lanes && each[3] < n);
  for (const each of steps) must(each[1] < lanes && each[2] < leaves && each[3] < 8);

  const shown = message(opening, { 1: 'bytes', 2: 'bytes', 3: 'many', 4: 'many', 5: 'many' });
  must(shown[1].length === 32 && shown[2].length === 32);
  const block = (bytes: Buffer) => {
    const { 1: label, 2: path } = message(bytes, { 1: 'bytes', 2: 'bytes' });
    must(label.length === B && path.length === 32 * (log2(n) + log2(lanes)));
    return { label, path };
  };
  must(
    shown[3].length === labels.length &&
      shown[4].length === digests.length &&
      shown[5].length === steps.length,
  );
  const shownLabels = shown[3].map((bytes: Buffer, s: number) => {
    const { 1: parents, 2: path } = message(bytes, { 1: 'many', 2: 'bytes' });
    must(parents.length === (labels[s][2] === 0 ? 0 : 3) && path.length === 32 * (log2(n) + log2(lanes)));
    return { parents: parents.map(block), path };
  });
  const perLane = Math.ceil(n / 256);
  const shownDigests = shown[4].map((bytes: Buffer, s: number) => {
    const each = message(bytes, { 1: 'message', 2: 'bytes', 3: 'bytes' });
    must(each[2].length === 16 * Math.min(256, n - 256 * Math.floor(digests[s][3] / 256)));
    must(each[3].length === 32 * (log2(perLane) + log2(lanes)));
    return { block: block(each[1]), beside: each[2], path: each[3] };
  });
  const shownSteps = shown[5].map((bytes: Buffer) => {
    const each = message(bytes, { 1: 'bytes', 2: 'bytes', 3: 'message' });
    must(each[1].length === 128 && each[2].length === 32 * (log2(leaves) + log2(lanes)));
    return { states: each[1], path: each[2], block: block(each[3]) };
  });

  const top: Buffer = shown[1];
  if (!same(sha('assay/host/1/root', seed, u32(lanes), u32(n), top), root)) return 'rejected:seed';
  must(same(shown[2], sha(request)));

  const isLabel = (lane: number, i: number, label: Buffer, path: Buffer): boolean =>
    same(climbs(sha(Uint8Array.of(32), label), i, lane, path, log2(n), log2(lanes), [33, 34]), top);
  const keys = [sha('assay/host/1/first', pass!, root)];
  for (const [r, each] of roots.entries()) keys.push(sha('assay/host/1/next', keys[r], u32(r + 1), each));

  for (const [s, { 1: lane, 2: i }] of labels.entries()) {
    const { parents, path } = shownLabels[s];
    for (const [p, parent] of naiveParents(seed, lane, i).entries())
      if (!isLabel(lane, parent, parents[p].label, parents[p].path)) return 'rejected:path';
    const label = naiveLabel(
      params,
      seed,
      lane,
      i,
      parents.map((each: { label: Buffer }) => each.label),
    );
    if (!isLabel(lane, i, label, path)) return 'rejected:label';
  }
  for (const [s, { 1: round, 2: lane, 3: i }] of digests.entries()) {
    const { block: own, beside, path } = shownDigests[s];
    if (!isLabel(lane, i, own.label, own.path)) return 'rejected:path';
    const leaf = sha(Uint8Array.of(16), beside, Buffer.alloc(4096 - beside.length));
    const at = Math.floor(i / 256);
    if (!same(climbs(leaf, at, lane, path, log2(perLane), log2(lanes), [17, 35]), roots[round - 1]))
      return 'rejected:path';
    const from = 16 * (i % 256);
    if (!same(naiveDigest(own.label, keys[round - 1], 0), beside.subarray(from, from + 16)))
      return 'rejected:digest';
  }
  for (const [s, { 1: lane, 2: leaf, 3: step }] of steps.entries()) {
    const { states, path, block: own } = shownSteps[s];
    const hashed = sha(Uint8Array.of(36), states);
    if (!same(climbs(hashed, leaf, lane, path, log2(leaves), log2(lanes), [37, 38]), walkRoot))
      return 'rejected:path';
    const lefts = Array.from({ length: log2(leaves) }, (_, h) => h).filter(
      (h) => Math.floor(leaf / 2 ** h) % 2 === 1,
    );
    const key = keys[roots.length];
    const start = sha(
      'assay/host/1/walk',
      key,
      u32(lane),
      u32(leaf),
      ...lefts.map((h) => path.subarray(32 * h, 32 * h + 32)),
    );
    const state = step === 0 ? start.subarray(0, 16) : states.subarray(16 * step - 16, 16 * step);
    const i = Number((BigInt(state.readUInt32LE(0)) * BigInt(n)) >> 32n);
    if (!isLabel(lane, i, own.label, own.path)) return 'rejected:path';
    const digest = naiveDigest(own.label, key, state.readUInt32LE(4) % B);
    if (!same(naiveStep(state, digest), states.subarray(16 * step, 16 * step + 16))) return 'rejected:walk';
  }
  return 'accepted';
}
