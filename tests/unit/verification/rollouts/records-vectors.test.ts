import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readyKeys, verifySignature } from '../../../../src/keys/keypair.js';
import { fromHex, toHex } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { encodeColumn } from '../../../../src/verification/rollouts/columns.js';
import { checkEquivocation, encodeEquivocation } from '../../../../src/verification/rollouts/equivocation.js';
import { decodeFile, encodeFile, rolloutsOf } from '../../../../src/verification/rollouts/file.js';
import { encodeManifest, openManifest } from '../../../../src/verification/rollouts/manifest.js';
import { createLengths, payOf } from '../../../../src/verification/rollouts/paid.js';
import type { Checked, RolloutReason } from '../../../../src/verification/rollouts/reasons.js';
import { checkOpening, encodeRecord, leafOf, treeOf } from '../../../../src/verification/rollouts/record.js';
import { type Rollout, STOPS } from '../../../../src/verification/rollouts/rollout.js';
import { tokensWrong } from '../../../../src/verification/rollouts/stop.js';
import { checkStructure } from '../../../../src/verification/rollouts/structure.js';
import { readManifest } from '../../../../src/verification/rollouts/submission.js';

interface Written {
  readonly group: number;
  readonly index: number;
  readonly stop: Rollout['stop'];
  readonly tokens: number[];
}
interface WrittenManifest {
  readonly netuid: number;
  readonly window: number;
  readonly hotkey: string;
  readonly checkpointDigest: string;
  readonly genesis: string;
  readonly policyDigest: string;
  readonly profileDigest: string;
  readonly groups: number;
  readonly forfeits: number[];
  readonly rollouts: number;
  readonly tokens: number;
  readonly fileBytes: number;
  readonly fileSha256: string;
  readonly merkleRoot: string;
  readonly bytes: string;
  readonly digest: string;
}
interface Vectors {
  readonly policy: { maxTokens: number; rolloutsPerGroup: number; stopIds: number[]; vocabulary: number };
  readonly records: (Written & { readonly record: string; readonly leaf: string })[];
  readonly trees: { readonly leaves: number; readonly root: string; readonly paths: string[] }[];
  readonly column: { readonly numbers: number[]; readonly bytes: string };
  readonly file: { readonly frame: string; readonly bytes: string; readonly compressed: string };
  readonly manifests: WrittenManifest[];
  readonly signed: [string, string];
  readonly equivocation: string;
  readonly refused: { readonly why: string; readonly reason: string; readonly file: string }[];
  readonly ends: {
    readonly stop: Rollout['stop'];
    readonly tokens: number[];
    readonly reason: string | null;
  }[];
  readonly manifestsRead: {
    readonly why: string;
    readonly reason: RolloutReason | null;
    readonly bytes: string;
    readonly reading: WrittenReading;
  }[];
  readonly equivocations: {
    readonly why: string;
    readonly reason: RolloutReason | null;
    readonly bytes: string;
  }[];
  readonly openings: {
    readonly why: string;
    readonly reason: RolloutReason | null;
    readonly place: number;
    readonly record: string;
    readonly path: string;
  }[];
  readonly medians: {
    readonly keys: { readonly lengths: number[]; readonly broken: number[] }[];
    readonly median: number;
  }[];
  readonly pay: {
    readonly rollouts: WrittenEnd[];
    readonly broken: number[];
    readonly unpaid: number[];
    readonly forfeits: number;
    readonly promptMillis: number;
    readonly promptTokens: number[];
    readonly median: number;
    readonly paid: number[];
    readonly millis: number;
  }[];
}

interface WrittenReading extends Pick<WrittenManifest, 'netuid' | 'window'> {
  readonly genesis: string;
  readonly hotkey: string;
  readonly checkpointDigest: string;
  readonly policyDigest: string;
  readonly committed: string;
  readonly quota: number;
  readonly maxTokens: number;
  readonly rolloutsPerGroup: number;
}

type WrittenEnd = readonly [group: number, length: number, stop: Rollout['stop']];

const fileOf = (ends: readonly WrittenEnd[]) => ({
  count: ends.length,
  groups: Uint32Array.from(ends, ([group]) => group),
  indices: new Uint16Array(ends.length),
  stops: Uint8Array.from(ends, ([, , stop]) => STOPS.indexOf(stop)),
  offsets: Uint32Array.from([0, ...ends], (_, i) => ends.slice(0, i).reduce((sum, [, own]) => sum + own, 0)),
  tokens: new Uint32Array(0),
});

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const vectors = JSON.parse(readFileSync(at('tests/vectors/rollouts-records.json'), 'utf8')) as Vectors;
const rollouts: Rollout[] = vectors.records.map(({ group, index, stop, tokens }) => ({
  group,
  index,
  stop,
  tokens: Uint32Array.from(tokens),
}));
/** The last record has the largest numbers and is in no file. */
const inFile = rollouts.slice(0, -1);
const policy = {
  ...vectors.policy,
  temperature: '1',
  candidates: 64,
  environmentDigest: new Uint8Array(32),
};
const manifestOf = (written: WrittenManifest) => ({
  ...written,
  version: 1 as const,
  genesis: fromHex(written.genesis),
  hotkey: fromHex(written.hotkey),
  checkpointDigest: fromHex(written.checkpointDigest),
  policyDigest: fromHex(written.policyDigest),
  profileDigest: fromHex(written.profileDigest),
  fileSha256: fromHex(written.fileSha256),
  merkleRoot: fromHex(written.merkleRoot),
});
const manifest = manifestOf(vectors.manifests[0]!);
const decode = (bytes: Uint8Array) =>
  decodeFile(bytes, {
    ...manifest,
    fileBytes: bytes.length,
    fileSha256: sha256(bytes),
    maxTokens: policy.maxTokens,
  });

const reasonOf = (checked: Checked<unknown>) => (checked.kind === 'refused' ? checked.reason : null);

const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('skipping the second implementation of the vectors: no python3 here');

beforeAll(readyKeys);

describe('golden vectors of records', () => {
  it.skipIf(!python)('are what the second implementation computes', () => {
    const said = execFileSync('python3', [at('scripts/golden_records.py'), '--check'], { encoding: 'utf8' });
    expect(said).toBe('as computed\n');
  });

  it('have our records, leaves, roots and paths', () => {
    for (const [i, { record, leaf }] of vectors.records.entries()) {
      expect(toHex(encodeRecord(rollouts[i]!))).toBe(record);
      expect(toHex(leafOf(rollouts[i]!))).toBe(leaf);
    }
    expect(vectors.trees.map(({ leaves }) => leaves)).toEqual([1, 2, 3, 5]);
    for (const { leaves, root, paths } of vectors.trees) {
      const tree = treeOf(rollouts.slice(0, leaves), leaves);
      expect(toHex(tree.root)).toBe(root);
      for (const [place, path] of paths.entries()) {
        expect(toHex(tree.path(place))).toBe(path);
        const opening = { place, record: fromHex(vectors.records[place]!.record), path: fromHex(path) };
        const of = { rollouts: leaves, merkleRoot: fromHex(root) };
        expect(checkOpening(opening, of, policy.maxTokens)).toEqual({ kind: 'ok', value: rollouts[place] });
      }
    }
  });

  it('have our columns and files, stored or compressed', () => {
    expect(toHex(encodeColumn(vectors.column.numbers))).toBe(vectors.column.bytes);
    expect(toHex(inflateSync(encodeFile(inFile).subarray(26)))).toBe(vectors.file.frame);
    for (const bytes of [vectors.file.bytes, vectors.file.compressed]) {
      const file = decode(fromHex(bytes));
      if (file.kind === 'refused') throw new Error(file.reason);
      expect([...rolloutsOf(file.value)]).toEqual(inFile);
      const structure = checkStructure(file.value, manifest, policy, policy.vocabulary);
      if (structure.kind === 'refused') throw new Error(structure.reason);
      expect(structure.value.invalid.size).toBe(0);
    }
  });

  it('have our manifests, digests, signatures and proofs', () => {
    for (const written of vectors.manifests) {
      expect(toHex(encodeManifest(manifestOf(written)))).toBe(written.bytes);
      expect(toHex(sha256(fromHex(written.bytes)))).toBe(written.digest);
    }
    const [one, , other] = vectors.signed.map((bytes) => openManifest(fromHex(bytes), verifySignature));
    if (one?.kind !== 'ok' || other?.kind !== 'ok') throw new Error('expected two good signatures');
    expect(toHex(one.value.digest)).toBe(vectors.manifests[0]!.digest);
    expect(toHex(encodeEquivocation(one.value, other.value))).toBe(vectors.equivocation);
    expect(checkEquivocation(fromHex(vectors.equivocation), verifySignature)).toMatchObject({
      kind: 'ok',
      value: { netuid: 3, window: 41 },
    });
  });

  it('have our medians of windows', () => {
    for (const { keys, median } of vectors.medians) {
      const lengths = createLengths(60);
      for (const key of keys)
        lengths.add(fileOf(key.lengths.map((length, i) => [i >> 1, length, 'eos'])), new Set(key.broken));
      expect(lengths.median()).toBe(median);
    }
    expect(vectors.medians).toHaveLength(12);
  });

  it('have our medians and pay', () => {
    for (const { rollouts, broken, unpaid, promptTokens, median, paid, millis, ...rest } of vectors.pay) {
      const file = fileOf(rollouts);
      const all = createLengths(60);
      all.add(file, new Set(broken));
      expect(all.median()).toBe(median);
      const parts = { ...rest, median, broken: new Set(broken), unpaid: new Set(unpaid) };
      const pay = payOf(file, { ...parts, promptTokens: (group) => promptTokens[group]! });
      expect([[...pay.rollouts], pay.millis]).toEqual([paid, millis]);
    }
    expect(vectors.pay).toHaveLength(12);
  });

  it.each(vectors.manifestsRead)('read a manifest, $why: $reason', ({ reason, bytes, reading }) => {
    const { committed, hotkey, quota, maxTokens, rolloutsPerGroup, ...own } = reading;
    const window = {
      ...own,
      beacon: { kind: 'dev-chain', round: 1n, signature: new Uint8Array(32) } as const,
      genesis: fromHex(own.genesis),
      checkpointDigest: fromHex(own.checkpointDigest),
      policyDigest: fromHex(own.policyDigest),
    };
    const read = readManifest(
      fromHex(bytes),
      {
        window,
        policy: { ...policy, maxTokens, rolloutsPerGroup },
        hotkey: fromHex(hotkey),
        committed: fromHex(committed),
        vocabulary: policy.vocabulary,
        quota,
      },
      verifySignature,
    );
    expect(reasonOf(read)).toBe(reason);
  });

  it.each(vectors.equivocations)('read a proof of $why: $reason', ({ reason, bytes }) => {
    expect(reasonOf(checkEquivocation(fromHex(bytes), verifySignature))).toBe(reason);
  });

  it.each(vectors.openings)('open a rollout, $why: $reason', ({ reason, place, record, path }) => {
    const opening = { place, record: fromHex(record), path: fromHex(path) };
    expect(reasonOf(checkOpening(opening, manifest, policy.maxTokens))).toBe(reason);
  });

  it.each(vectors.refused)('refuse $why: $reason', ({ reason, file }) => {
    const decoded = decode(fromHex(file));
    const result =
      decoded.kind === 'ok' ? checkStructure(decoded.value, manifest, policy, policy.vocabulary) : decoded;
    expect(result).toEqual({ kind: 'refused', reason });
  });

  it.each(vectors.ends)('a rollout said to be $stop of $tokens: $reason', ({ stop, tokens, reason }) => {
    const rollout = { group: 0, index: 0, stop, tokens: Uint32Array.from(tokens) };
    expect(tokensWrong(rollout, policy, policy.vocabulary) ?? null).toBe(reason);
  });
});
