import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { firstWord } from '../../../../src/inference/spec/philox.js';
import { parsePolicy, policyDigest, policyJson } from '../../../../src/inference/spec/policy.js';
import { choose } from '../../../../src/inference/spec/race.js';
import { addScans, NO_SCAN, scanRollout, unforcedBits } from '../../../../src/inference/spec/scan.js';
import { promptSeed, streamKey, streamRoot } from '../../../../src/inference/spec/stream.js';
import { type WindowContext, windowJson } from '../../../../src/inference/spec/window.js';
import { concat, toHex, u32le } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { encodeFile } from '../../../../src/verification/rollouts/file.js';
import { signManifest } from '../../../../src/verification/rollouts/manifest.js';
import { treeOf } from '../../../../src/verification/rollouts/record.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';

const SCRIPT = fileURLToPath(new URL('../../../../examples/rollouts-stream/verify.py', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('the second verifier of windows skipped: this machine has no python3');

const folder = mkdtempSync(join(tmpdir(), 'assay-window-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STOP = 40;
const policy = parsePolicy({
  temperature: '1',
  candidates: 16,
  maxTokens: 48,
  stopIds: [STOP],
  rolloutsPerGroup: 4,
  environmentDigest: '05'.repeat(32),
});
const window: WindowContext = {
  beacon: { kind: 'drand-pallet', round: 77n, signature: new Uint8Array(48).fill(6) },
  genesis: new Uint8Array(32).fill(4),
  netuid: 3,
  window: 9,
  checkpointDigest: new Uint8Array(32).fill(1),
  policyDigest: policyDigest(policy),
};
const hotkey = new Uint8Array(32).fill(2);
const root = streamRoot(window, hotkey);

/** Of a model whose logits hang on the position alone. */
function generated(streamOf: Uint8Array, group: number, index: number): Rollout {
  const key = streamKey(streamOf, group, index);
  const tokens: number[] = [];
  while (tokens.length < policy.maxTokens && tokens.at(-1) !== STOP) {
    const position = tokens.length;
    const ids = Int32Array.from({ length: 16 }, (_, i) => (i === 0 ? STOP : 300 * i));
    const logits = ids.map((id) => firstWord(id, position, 5, 5) % 4);
    const choice = choose({ ids, logits: Float32Array.from(logits) }, 1, { key, position });
    if (choice.kind === 'fault') throw new Error(choice.why);
    tokens.push(choice.token);
  }
  return { group, index, stop: tokens.at(-1) === STOP ? 'eos' : 'cap', tokens: Uint32Array.from(tokens) };
}

/** Groups 0, 1 and 3: 2 is given up. */
function submission(
  streamOf: Uint8Array,
  change: (file: Uint8Array) => Uint8Array = (file) => file,
  lie: {
    readonly first?: Partial<Rollout>;
    readonly tokens?: number;
    readonly groups?: number;
    readonly file?: (file: Uint8Array) => Uint8Array;
    readonly genesis?: Uint8Array;
    readonly merkleRoot?: Uint8Array;
  } = {},
) {
  const rollouts = [0, 1, 3].flatMap((group) =>
    [0, 1, 2, 3].map((index) => generated(streamOf, group, index)),
  );
  rollouts[0] = { ...rollouts[0]!, ...lie.first };
  const file = (lie.file ?? ((honest) => honest))(encodeFile(rollouts));
  const manifest = signManifest(
    {
      version: 1,
      genesis: lie.genesis ?? window.genesis,
      netuid: 3,
      window: 9,
      hotkey,
      checkpointDigest: window.checkpointDigest,
      policyDigest: window.policyDigest,
      profileDigest: new Uint8Array(32),
      groups: lie.groups ?? 4,
      forfeits: [2],
      rollouts: rollouts.length,
      tokens: lie.tokens ?? rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
      fileBytes: file.length,
      fileSha256: sha256(file),
      merkleRoot: lie.merkleRoot ?? treeOf(rollouts, rollouts.length).root,
    },
    () => new Uint8Array(64),
  );
  const given = {
    window: JSON.stringify(windowJson(window)),
    policy: JSON.stringify(policyJson(policy)),
    manifest: manifest.bytes,
    file: change(file),
  };
  const paths = Object.entries(given).map(([name, bytes]) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  });
  const { status, stdout, stderr } = spawnSync('python3', [SCRIPT, ...paths], { encoding: 'utf8' });
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { status, stderr, groups: lines.slice(0, -1), sum: lines.at(-1), rollouts };
}

describe.runIf(hasPython)('the second verifier', () => {
  test("finds a window's stream from manifest and file, with the sums and the prompts of ours", () => {
    const { status, stderr, groups, sum, rollouts } = submission(root);
    expect(stderr).toBe('');
    const scanned = (of: readonly Rollout[]) => {
      const key = ({ group, index }: Rollout) => streamKey(root, group, index);
      const sum = of.reduce(
        (all, rollout) => addScans(all, scanRollout(key(rollout), rollout.tokens)),
        NO_SCAN,
      );
      return { tokens: sum.tokens, race: sum.race };
    };
    const all = scanned(rollouts);
    const bits = unforcedBits({ ...all, gumbel: 0 });
    expect(groups).toEqual(
      [0, 1, 3].map((group) => ({
        group,
        promptSeed: toHex(promptSeed(root, group)),
        ...scanned(rollouts.filter((rollout) => rollout.group === group)),
      })),
    );
    expect(sum).toEqual({
      root: toHex(root),
      rollouts: 12,
      ...all,
      unforcedBits: bits,
      doesNotBelong: [],
    });
    expect(bits).toBeGreaterThan(60 * 1024);
    expect(status).toBe(0);
  });

  test('finds no stream in the rollouts of another hotkey', () => {
    const { status, sum } = submission(streamRoot(window, new Uint8Array(32).fill(8)));
    expect(sum.doesNotBelong).toEqual([]);
    expect(sum.unforcedBits).toBeLessThan(8 * 1024);
    expect(status).toBe(0);
  });

  test('names what is wrong with rollouts that have no end, and with counts that lie', () => {
    const empty = submission(root, undefined, { first: { tokens: new Uint32Array(0) } });
    expect(empty.sum.doesNotBelong).toEqual(['ends']);
    expect(empty.status).toBe(1);
    expect(submission(root, undefined, { tokens: 7 }).sum.doesNotBelong).toEqual(['counts']);
  });

  test('names a rollout that goes on beyond the maximum before it ends', () => {
    const long = Uint32Array.from({ length: 49 }, (_, i) => (i === 48 ? STOP : 300));
    const { sum } = submission(root, undefined, { first: { stop: 'eos', tokens: long } });
    expect(sum.doesNotBelong).toEqual(['ends']);
  });

  test('numbers no groups that have no rollouts', () => {
    const { status, sum, groups } = submission(root, undefined, { groups: 2 ** 32 - 1 });
    expect(sum.doesNotBelong).toEqual(['groups']);
    expect(groups).toHaveLength(3);
    expect(status).toBe(1);
  });

  test('inflates no more than a file says, which is no more than files may', () => {
    const bomb = deflateSync(new Uint8Array(2 ** 22));
    const head = (length: number) => (file: Uint8Array) => concat(file.subarray(0, 22), u32le(length), bomb);
    for (const length of [0, 600]) {
      const { status, stderr, sum } = submission(root, undefined, { file: head(length) });
      expect(stderr).toContain('no stream of just this length');
      expect(sum).toBeUndefined();
      expect(status).toBe(1);
    }
    expect(submission(root, undefined, { file: head(2 ** 20) }).stderr).toContain('no file of rollouts');
  });

  test('names a manifest that was signed for another chain', () => {
    const elsewhere = submission(root, undefined, { genesis: new Uint8Array(32).fill(9) });
    expect(elsewhere.sum.doesNotBelong).toEqual(['chain']);
    expect(elsewhere.status).toBe(1);
  });

  test('names records that are not those of the signed root', () => {
    const { status, sum } = submission(root, undefined, { merkleRoot: new Uint8Array(32).fill(3) });
    expect(sum.doesNotBelong).toEqual(['tree']);
    expect(status).toBe(1);
  });

  test('refuses a file that the manifest does not name', () => {
    const { status, sum } = submission(root, (file) => file.map((byte, i) => (i === 40 ? byte ^ 1 : byte)));
    expect(sum).toMatchObject({ rollouts: 0, doesNotBelong: ['file', 'counts', 'groups', 'tree'] });
    expect(status).toBe(1);
  });
});
