// A proof of a wrong token that no draw hit: what it takes, where it stands, and that the ledger with it replays.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLocalBeacon } from '../../../../src/chain/codec/timelock.js';
import { promptSeed, streamRoot } from '../../../../src/inference/spec/stream.js';
import type { WindowContext } from '../../../../src/inference/spec/window.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { sha256 } from '../../../../src/model/hash.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import { createMemoryShelf, manifestName } from '../../../../src/rollouts/shelf.js';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import { historyOf } from '../../../../src/validator/rollouts/history.js';
import { createWindowJudge } from '../../../../src/validator/rollouts/judge.js';
import {
  memoryRolloutLedger,
  type ProvenEntry,
  type RolloutEntry,
} from '../../../../src/validator/rollouts/ledger.js';
import { createProofs, leaveProof } from '../../../../src/validator/rollouts/proofs.js';
import { replayLedger } from '../../../../src/validator/rollouts/replay.js';
import { createRolloutValidator } from '../../../../src/validator/rollouts/run.js';
import {
  encodeFraudProof,
  MAX_FRAUD_PROOF_BYTES,
} from '../../../../src/verification/rollouts/fraud-proof.js';
import { millisOf } from '../../../../src/verification/rollouts/paid.js';
import { encodeRecord, treeOf } from '../../../../src/verification/rollouts/record.js';
import { writeSubmission } from '../../../../src/verification/rollouts/submission.js';
import { decodeVerdict } from '../../../../src/verification/rollouts/verdict.js';
import { chainByClock, rulesOf } from '../../../support/rollout-chain.js';
import { mine, POLICY, RULES, signal, tableEnvironment, windowOf } from '../../../support/table-rollouts.js';

const GROUPS = 32;
const model = createTableModel();
const environment = tableEnvironment();
const parts = { modelOf: async () => model, environment };
const options = { policy: POLICY, rules: RULES, quota: 10_000 };
const key = devKeypair('miner');
const miner = toHotkey(key.address);
const beacon = createLocalBeacon('assay localnet');
const roundOf = (round: number) => ({
  kind: 'dev-chain' as const,
  round: BigInt(round),
  signature: sha256(beacon.sign(round)),
});
const contextOf = (window: number): WindowContext => ({ ...windowOf(window), beacon: roundOf(10 + window) });
const shelf = createMemoryShelf({ maxBytes: 2 ** 40 });
let dir = '';

/** @param wrong places of rollouts with another second token */
async function handed(window: number, wrong: readonly number[] = []) {
  const context = contextOf(window);
  const rollouts = (await mine(context, { groups: GROUPS })).map((rollout, place) => {
    if (!wrong.includes(place)) return rollout;
    const tokens = rollout.tokens.slice();
    tokens[1] = (tokens[1]! + 7) % 60;
    return { ...rollout, tokens };
  });
  const work = { window: context, policy: POLICY, hotkey: key.publicKey, groups: GROUPS, forfeits: [] };
  const { signed, file } = writeSubmission(
    rollouts,
    { ...work, profileDigest: new Uint8Array(32), vocabulary: 64 },
    key.sign,
  );
  const digest = await shelf.put(window, file);
  await shelf.put(window, signed.bytes, manifestName(signed.digest));
  const entry: RolloutEntry = {
    type: 'collected',
    window,
    ...{ startBlock: 10 + 40 * window, deadlineBlock: 30 + 40 * window, context },
    round: BigInt(20 + window),
    deliveries: [{ miner, is: 'complete', manifest: signed.digest, file: digest }],
  };
  const proofOf = (place: number) =>
    encodeFraudProof({
      manifest: signed.bytes,
      opening: {
        place,
        record: encodeRecord(rollouts[place]!),
        path: treeOf(rollouts, rollouts.length).path(place),
      },
      position: 1,
      margin: 0,
    });
  return { entry, rollouts, proofOf };
}

/** Until so many windows of the ledger are judged. @param left proofs that wait; those that are done with are taken out */
async function walk(entries: RolloutEntry[], over: number, left = new Set<Uint8Array>()) {
  const clock = createVirtualClock();
  const world = chainByClock(clock, [miner]);
  // no window of its own is begun: those of the ledger are enough
  world.fails = () => new Error('the line is down');
  const judge = createWindowJudge({ ...parts, keypair: devKeypair('validator'), log: silentLog }, options);
  const stop = new AbortController();
  let judged = 0;
  const ledger = memoryRolloutLedger(entries);
  // a folder takes real time, which this clock has none of
  const proofs = {
    ...createProofs(dir, parts, options),
    waiting: async () => [...left].map((bytes) => ({ bytes, done: async () => void left.delete(bytes) })),
  };
  const validator = createRolloutValidator(
    {
      ...world,
      ...{ clock, log: silentLog, ledger, judge, shelf, proofs, holdersOf: () => [] },
      beacon: { ...world.beacon, timeOf: () => 0, fetch: async (round) => roundOf(Number(round)) },
      onStatus: ({ is }) => {
        if (is === 'judged' && ++judged === over) stop.abort();
      },
    },
    { ...rulesOf(new Uint8Array(32)), policy: POLICY, vocabulary: 64, quota: 10_000 },
  );
  await clock.runUntil(validator.run(stop.signal));
  return judge;
}
const replayed = async (entries: readonly RolloutEntry[]) => {
  const found = [];
  const read = (name: Uint8Array) => shelf.read(name);
  for await (const each of replayLedger({ ...parts, read }, entries, options, signal)) found.push(each);
  return found;
};
const provenIn = (entries: readonly RolloutEntry[]) =>
  entries.filter((entry): entry is ProvenEntry => entry.type === 'proven');
const verdictsIn = (entries: readonly RolloutEntry[]) =>
  entries.flatMap((entry) => (entry.type === 'verdict' ? [decodeVerdict(entry.record)] : []));

beforeAll(async () => {
  await readyKeys();
  dir = await mkdtemp(join(tmpdir(), 'assay-proofs-'));
});
afterAll(() => rm(dir, { recursive: true }));

it('takes the pay of its rollout, once, has the miner looked at more closely, and replays', async () => {
  // whom six draws of 128 do not hit
  const first = await handed(0);
  const calm = [first.entry];
  await walk(calm, 1);
  const drawn = verdictsIn(calm)[0]!.picks.map(({ place }) => place);
  const wrong = first.rollouts.flatMap(({ tokens }, place) =>
    tokens.length > 2 && !drawn.includes(place) ? [place] : [],
  );
  const [one, two] = wrong as [number, number];
  const steered = await handed(0, [one, two]);
  const entries: RolloutEntry[] = [steered.entry, (await handed(1)).entry, (await handed(2)).entry];
  // what does not hold goes as well
  const waiting = new Set([
    ...[one, two].map(steered.proofOf),
    ...[(await handed(1)).proofOf(wrong[2]!), new Uint8Array(9)],
  ]);
  const judge = await walk(entries, 3, waiting);

  expect(entries.map(({ type, window }) => `${type} ${window}`)).toEqual(
    ['collected 0', 'collected 1', 'collected 2', 'verdict 0', 'judged 0', 'proven 0', 'proven 0'].concat([
      'verdict 1',
      'judged 1',
      'verdict 2',
      'judged 2',
    ]),
  );
  const [before, after] = verdictsIn(entries);
  expect(before!.picks.every(({ outcome }) => outcome === 'valid')).toBe(true);
  const millis = (place: number) => {
    const { group, stop, tokens } = steered.rollouts[place]!;
    const seed = promptSeed(streamRoot(contextOf(0), key.publicKey), group);
    const promptTokens = environment.task(seed).prompt.length;
    const pay = { median: before!.median, promptMillis: RULES.promptMillis, promptTokens };
    return millisOf({ length: tokens.length, stop }, pay);
  };
  const { paidMillis, creditMillis } = before!;
  const left = Math.floor((creditMillis * (paidMillis - millis(one) - millis(two))) / paidMillis);
  expect(left).toBeLessThan(creditMillis);
  expect(
    provenIn(entries)
      .map(({ place }) => place)
      .sort(),
  ).toEqual([one, two].sort());
  expect(provenIn(entries)[1]!.creditMillis).toBe(left);
  expect(after!.before).toMatchObject({ credits: [{ window: 0, creditMillis: left }], closerUntil: 12 });
  // no trial: it was chosen because it hits
  expect(after!.before.detector).toEqual(before!.after.detector);
  expect(after!.picks).toHaveLength(4 * 6);
  expect(waiting.size).toBe(0);

  const again = await replayed(entries);
  expect(again.map(({ is }) => is)).toEqual(['same', 'same', 'same', 'same', 'same']);
  // from the ledger alone the same standings follow; the same proof moves nothing any more
  const anew = new Set([steered.proofOf(one)]);
  const resumed = [...entries, (await handed(3)).entry, (await handed(4)).entry];
  const next = await walk(resumed, 2, anew);
  expect(provenIn(resumed)).toHaveLength(2);
  expect(anew.size).toBe(0);
  expect(next.standings().get(miner)!.credits.slice(0, 3)).toEqual(judge.standings().get(miner)!.credits);

  const changed = (change: Partial<ProvenEntry>) =>
    entries.map((entry) =>
      entry.type === 'proven' && entry.place === two ? { ...entry, ...change } : entry,
    );
  const said = async (change: Partial<ProvenEntry>) => {
    const found = await replayed(changed(change));
    return found.filter(({ is }) => is !== 'same').map(({ is }) => is);
  };
  // the later verdicts stand on another credit then
  expect(await said({ creditMillis: left + 1 })).toContain('different');
  expect(await said({ place: wrong[2]! })).toContain('refused');
  expect(await said({ proof: (await handed(1)).proofOf(two) })).toContain('refused');
  expect(await said({ place: one })).toContain('flaw');
});

it('of a window without its verdict, or between verdicts, is a flaw', async () => {
  const { entry } = await handed(0);
  const proven: RolloutEntry = {
    ...{ type: 'proven', window: 0, miner, place: 1, millis: 1, creditMillis: 1 },
    proof: new Uint8Array(1),
  };
  const verdict: RolloutEntry = { type: 'verdict', window: 0, miner, record: new Uint8Array(1) };
  const judged: RolloutEntry = { type: 'judged', window: 0 };
  const next = [(await handed(1)).entry, { ...verdict, window: 1 }];
  const flaws = (entries: RolloutEntry[]) => historyOf(entries).flaws.map(({ why }) => why);
  expect(flaws([entry, verdict, judged, proven, ...next])).toEqual([]);
  expect(flaws([entry, verdict, proven])).toEqual(['a proof, and no verdict of it']);
  expect(flaws([entry, verdict, judged, ...next, proven])).toEqual([
    'a proof between the verdicts of a window',
  ]);
  expect(flaws([entry, verdict, judged, proven, proven])).toEqual(['a second proof of one rollout']);
});

it('waits in a folder until it is done with, and what is too large for one is none', async () => {
  const proofs = createProofs(join(dir, 'proofs'), parts, options);
  expect(await proofs.waiting()).toEqual([]);
  await leaveProof(join(dir, 'proofs'), Uint8Array.of(1, 2));
  await writeFile(join(dir, 'proofs', 'large.proof'), new Uint8Array(MAX_FRAUD_PROOF_BYTES + 1));
  await writeFile(join(dir, 'proofs', 'half-written'), 'half');
  const found = await proofs.waiting();
  expect(found.map(({ bytes }) => [...bytes]).sort()).toEqual([[], [1, 2]]);
  for (const { bytes } of found)
    expect(await proofs.find(bytes, [], signal)).toEqual({ is: 'refused', why: 'malformed' });
  for (const { done } of found) await done();
  expect(await readdir(join(dir, 'proofs'))).toEqual(['half-written']);
});
