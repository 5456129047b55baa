import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { confirm } from '../../../src/cli/commands/rollouts/confirm.js';
import { consume } from '../../../src/cli/commands/rollouts/consume.js';
import { keepSubnet, parseRolloutSubnet } from '../../../src/cli/rollout-subnet.js';
import { nodeDisk } from '../../../src/inference/checkpoint/disk.js';
import { publishCheckpoint } from '../../../src/inference/checkpoint/publish.js';
import { openStore } from '../../../src/inference/checkpoint/store.js';
import { generate, streamChoice } from '../../../src/inference/generate.js';
import { openMaster, seededMaster } from '../../../src/inference/master.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { memorySource } from '../../../src/inference/safetensors.js';
import { policyDigest } from '../../../src/inference/spec/policy.js';
import { promptSeed, streamRoot } from '../../../src/inference/spec/stream.js';
import type { WindowContext } from '../../../src/inference/spec/window.js';
import { MINIATURE } from '../../../src/inference/tiny.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { manifestName, openShelf } from '../../../src/rollouts/shelf.js';
import { rolloutSubnet } from '../../../src/testing/rollouts/world.js';
import { type Delivery, openRolloutLedger } from '../../../src/validator/rollouts/ledger.js';
import { encodeEquivocation } from '../../../src/verification/rollouts/equivocation.js';
import type { Rollout } from '../../../src/verification/rollouts/rollout.js';
import { writeSubmission } from '../../../src/verification/rollouts/submission.js';

const never = new AbortController().signal;
const GROUPS = 3;
const WINDOW = 4;
let folder = '';
let printed = '';
/** place of the rollout with another token */
let steeredAt = -1;
const at = (name: string): string => join(folder, name);

/** A validator's folder after a window of an honest miner, of one that took another token once, and of one that signed twice. */
beforeAll(async () => {
  await readyKeys();
  folder = await mkdtemp(join(tmpdir(), 'assay-proofs-'));
  const trainer = devKeypair('trainer');
  const given = rolloutSubnet('plain');
  const subnet = parseRolloutSubnet(
    {
      ...given,
      policy: { ...given.policy, maxTokens: 6, rolloutsPerGroup: 2 },
      trainer: trainer.address,
      plan: { firstBlock: 100, everyBlocks: 30, workBlocks: 20 },
    },
    'test',
  );
  await keepSubnet(at('validator'), subnet);
  const { policy, environment, plan } = subnet;
  const master = seededMaster(MINIATURE, 'proofs');
  const { checkpoint } = await publishCheckpoint(
    { store: openStore(nodeDisk, at('validator/checkpoints')), keypair: trainer },
    { master: memorySource(master), modelId: 'm', step: 1, window: WINDOW },
    never,
  );
  const genesis = new Uint8Array(32).fill(1);
  const context: WindowContext = {
    beacon: { kind: 'dev-chain', round: 9n, signature: new Uint8Array(32).fill(2) },
    ...{ genesis, netuid: 1, window: WINDOW },
    checkpointDigest: checkpoint.digest,
    policyDigest: policyDigest(policy),
  };
  const model = createPlainModel(openMaster(MINIATURE, master));
  const shelf = await openShelf(at('validator/files'));
  const submit = async (name: string, change: (rollouts: Rollout[]) => readonly Rollout[]) => {
    const keypair = devKeypair(name);
    const root = streamRoot(context, keypair.publicKey);
    const wanted = Array.from({ length: GROUPS * 2 }, (_, i) => {
      const { prompt } = environment.task(promptSeed(root, i >> 1));
      return { group: i >> 1, index: i & 1, prompt };
    });
    const choose = streamChoice(policy, root);
    const made = await generate({ model, policy, choose }, wanted, { batch: wanted.length }, never);
    const { vocabulary } = model;
    const work = {
      window: context,
      policy,
      hotkey: keypair.publicKey,
      groups: GROUPS,
      forfeits: [],
      vocabulary,
    };
    const rollouts = change([...made]);
    return writeSubmission(rollouts, { ...work, profileDigest: new Uint8Array(32) }, keypair.sign);
  };
  const deliver = async (
    name: string,
    change: (rollouts: Rollout[]) => readonly Rollout[],
  ): Promise<Delivery> => {
    const { signed, file } = await submit(name, change);
    const digest = await shelf.put(WINDOW, file);
    await shelf.put(WINDOW, signed.bytes, manifestName(signed.digest));
    return {
      miner: toHotkey(devKeypair(name).address),
      is: 'complete',
      manifest: signed.digest,
      file: digest,
    };
  };
  // signatures, and so streams, are others in each run: one that is long enough has a right token before the other one
  const steered = (rollouts: Rollout[]) => {
    steeredAt = rollouts.findIndex(({ group, tokens }) => group > 0 && tokens.length > 2);
    return rollouts.map((rollout, place) => {
      if (place !== steeredAt) return rollout;
      const tokens = rollout.tokens.slice();
      tokens[1] = (tokens[1]! + 7) % 200;
      return { ...rollout, tokens };
    });
  };
  const once = await submit('twice', (rollouts) => rollouts);
  const again = await submit('twice', steered);
  const deliveries: Delivery[] = [
    await deliver('honest', (rollouts) => rollouts),
    await deliver('steered', steered),
    {
      miner: toHotkey(devKeypair('twice').address),
      ...{ is: 'refused', manifest: once.signed.digest, reason: 'equivocation' },
      proof: encodeEquivocation(once.signed, again.signed),
    } as const,
  ];
  const netuid = toNetuid(1);
  const validator = toHotkey(devKeypair('validator').address);
  const ledger = await openRolloutLedger({
    dir: at('validator/windows'),
    of: { genesis, netuid, validator, plan },
    log: silentLog,
  });
  const [startBlock, deadlineBlock] = [100 + 30 * WINDOW, 120 + 30 * WINDOW];
  await ledger.append({
    type: 'collected',
    window: WINDOW,
    startBlock,
    deadlineBlock,
    context,
    round: 11n,
    deliveries,
  });
  await ledger.close();
  await model.close();
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

async function said(work: () => Promise<number>) {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const code = await work();
  vi.restoreAllMocks();
  return { code, json: JSON.parse(printed) as Record<string, unknown> };
}
const confirmed = (path: string) => said(() => confirm(path, { data: at('validator'), json: true }, never));

it('a trainer takes what is right, up to the first group that is not, and has a proof that a validator confirms', async () => {
  const flags = { window: WINDOW, out: at('rollouts.jsonl'), proofs: at('proofs'), json: true };
  const { code, json } = await said(() => consume(at('validator'), flags, never));
  expect(code).toBe(0);
  const own = (name: string) => devKeypair(name).address;
  const cut = { mean: expect.any(Number), worst: expect.any(Number) };
  const taken = 2 * (steeredAt >> 1);
  expect(json.miners).toEqual([
    { miner: own('honest'), groups: 3, checked: 6, taken: 6, wrong: 0, failed: 0, ratioError: cut },
    {
      ...{ miner: own('steered'), groups: 3, checked: 6, taken, wrong: 1, failed: 0 },
      ...(taken > 0 ? { ratioError: cut } : {}),
    },
  ]);
  const [{ ratioError }] = json.miners as [{ ratioError: { mean: number; worst: number } }];
  expect(ratioError.worst).toBeGreaterThan(ratioError.mean);
  const lines = (await readFile(at('rollouts.jsonl'), 'utf8')).trimEnd().split('\n');
  expect(lines.length).toBe(6 + 2 * (steeredAt >> 1));
  const [first] = lines.map((line) => JSON.parse(line) as Record<string, unknown[] & number>);
  expect(first).toMatchObject({ window: WINDOW, miner: own('honest'), group: 0, index: 0 });
  expect(first!.logProbabilities!.length).toBe(first!.tokens!.length);
  expect(first!.rewardMillis).toBeGreaterThanOrEqual(0);
  // an earlier file is never written over
  await expect(consume(at('validator'), flags, never)).rejects.toThrow('--out');

  const names = await readdir(at('proofs'));
  expect(names.sort()).toEqual(
    [`4-${own('steered')}-${steeredAt}.proof`, `4-${own('twice')}-twice.proof`].sort(),
  );
  const token = await confirmed(at(`proofs/4-${own('steered')}-${steeredAt}.proof`));
  expect(token.code).toBe(0);
  expect(token.json).toMatchObject({
    is: 'confirmed',
    of: 'token',
    miner: own('steered'),
    window: 4,
  });
  // left to the validator, which has its window still to judge
  const file = at(`proofs/4-${own('steered')}-${steeredAt}.proof`);
  const entered = await said(() => confirm(file, { data: at('validator'), enter: true, json: true }, never));
  expect(entered.json).toMatchObject({ is: 'confirmed', entered: true, why: 'its window is not judged yet' });
  const [left, ...others] = await readdir(at('validator/proofs'));
  expect(others).toEqual([]);
  expect(await readFile(at(`validator/proofs/${left}`))).toEqual(await readFile(file));
  const two = await confirmed(at(`proofs/4-${own('twice')}-twice.proof`));
  expect(two.code).toBe(0);
  expect(two.json).toMatchObject({ is: 'confirmed', of: 'equivocation', miner: own('twice') });

  // another place, a byte of the record, a cut end: none of them holds
  const bytes = await readFile(at(`proofs/4-${own('steered')}-${steeredAt}.proof`));
  const recordAt = bytes.length - 12 - 4 - 3 * 32 - 1;
  const changed = Uint8Array.from(bytes);
  changed[recordAt]! ^= 1;
  const earlier = Uint8Array.from(bytes);
  earlier[bytes.length - 12] = 0;
  for (const [wrong, expected] of [
    [changed, { is: 'refused', why: 'path' }],
    [earlier, { is: 'unfounded' }],
    [bytes.subarray(0, -1), { is: 'refused', why: 'malformed' }],
    [new Uint8Array(10), { is: 'refused', of: 'equivocation', why: 'equivocation-malformed' }],
  ] as const) {
    await writeFile(at('wrong.proof'), wrong);
    const { code: no, json: finding } = await said(() =>
      confirm(at('wrong.proof'), { data: at('validator'), enter: true, json: true }, never),
    );
    expect(await readdir(at('validator/proofs'))).toHaveLength(1);
    expect(finding).toMatchObject(expected);
    expect(no).toBe(1);
  }
  await expect(said(() => consume(at('validator'), { window: 5 }, never))).rejects.toThrow('--window');
});
