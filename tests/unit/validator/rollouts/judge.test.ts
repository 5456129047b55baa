// A window judged while the model fails on a miner's rollouts, what is said of it, and what a ring of liars can do to the rest.
import { beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel } from '../../../../src/inference/language-model.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { toHex } from '../../../../src/model/bytes.js';
import { type Hotkey, toHotkey } from '../../../../src/model/ids.js';
import { manifestName } from '../../../../src/rollouts/shelf.js';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';
import { createWindowBook, createWindowJudge } from '../../../../src/validator/rollouts/judge.js';
import type { Delivery } from '../../../../src/validator/rollouts/ledger.js';
import type { WindowToJudge } from '../../../../src/validator/rollouts/run.js';
import { encodeEquivocation } from '../../../../src/verification/rollouts/equivocation.js';
import { afterWindow, NEW_STANDING } from '../../../../src/verification/rollouts/standing.js';
import { writeSubmission } from '../../../../src/verification/rollouts/submission.js';
import { decodeVerdict, encodeVerdict, type Outcome } from '../../../../src/verification/rollouts/verdict.js';
import { recordingLog } from '../../../support/logs.js';
import { mine, POLICY, RULES, signal, tableEnvironment, windowOf } from '../../../support/table-rollouts.js';

const environment = tableEnvironment();
const good = createTableModel();
const options = { policy: POLICY, rules: RULES, quota: 10_000 };
const hotkeyOf = (name: string) => toHotkey(devKeypair(name).address);

/** A window of these miners, each with its file, as it was collected. */
async function windowOfMiners(number: number, names: readonly string[]): Promise<WindowToJudge> {
  const context = windowOf(number);
  const files = new Map<string, Uint8Array>();
  const deliveries: Delivery[] = [];
  for (const miner of names) {
    const key = devKeypair(miner);
    const rollouts = await mine(context, { miner, groups: 8 });
    const { signed, file } = writeSubmission(
      rollouts,
      {
        window: context,
        policy: POLICY,
        hotkey: key.publicKey,
        profileDigest: new Uint8Array(32),
        groups: 8,
        forfeits: [],
        vocabulary: 64,
      },
      (bytes) => key.sign(bytes),
    );
    const { fileSha256 } = signed.manifest;
    files.set(toHex(manifestName(signed.digest)), signed.bytes).set(toHex(fileSha256), file);
    deliveries.push({ miner: hotkeyOf(miner), is: 'complete', manifest: signed.digest, file: fileSha256 });
  }
  return {
    collected: {
      type: 'collected',
      window: number,
      startBlock: 0,
      deadlineBlock: 1,
      context,
      round: 9n,
      deliveries,
    },
    round: { kind: 'dev-chain', round: 9n, signature: new Uint8Array(32).fill(3) },
    judged: new Map(),
    read: async (name) => files.get(toHex(name)),
  };
}

/** As the walk does it: again after whatever is thrown, what is written down kept. */
async function walk(
  judge: ReturnType<typeof createWindowJudge>,
  window: WindowToJudge,
  between: (attempt: number) => void = () => {},
) {
  const judged = new Map<Hotkey, Uint8Array>();
  const errors: string[] = [];
  for (let attempt = 1; attempt <= 20; attempt++) {
    try {
      for await (const { miner, record } of judge.judge({ ...window, judged }, signal))
        judged.set(miner, record);
      judge.close(window.collected, judged)();
      return { judged, errors, attempts: attempt };
    } catch (error) {
      errors.push(String(error));
      between(attempt);
    }
  }
  throw new Error('never judged');
}

const judgeWith = (model: LanguageModel) => {
  const { log, lines } = recordingLog();
  const parts = { modelOf: async () => model, environment, keypair: devKeypair('validator'), log };
  return { judge: createWindowJudge(parts, options), lines };
};

/** Dies on each sequence that `hits`. */
const failing = (hits: (sequence: Uint32Array) => boolean): LanguageModel => ({
  ...good,
  async prefill(sequences, by) {
    if (sequences.some(hits)) throw new Error('session lost');
    return good.prefill(sequences, by);
  },
});

describe('a model that fails', () => {
  beforeAll(readyKeys);

  it('on a rollout of one miner for a while: that miner is judged later, by the same draw, and all are credited', async () => {
    const window = await windowOfMiners(1, ['one', 'two']);
    const calm = await walk(judgeWith(good).judge, window);
    expect(calm.attempts).toBe(1);
    const drawn = decodeVerdict(calm.judged.get(hotkeyOf('one'))!).picks;
    const victim = (await mine(window.collected.context, { miner: 'one', groups: 8 }))[drawn[1]!.place]!;
    let isDown = true;
    const { judge, lines } = judgeWith(failing((sequence) => isDown && isOf(sequence, victim.tokens)));
    const { judged, attempts, errors } = await walk(judge, window, (attempt) => {
      if (attempt === 2) isDown = false;
    });
    expect(attempts).toBe(3);
    expect(errors[0]).toMatch(/the model failed on rollouts of 1 miners/);
    const record = decodeVerdict(judged.get(hotkeyOf('one'))!);
    expect(record.state).toBe('concluded');
    expect(record.picks).toEqual(decodeVerdict(calm.judged.get(hotkeyOf('one'))!).picks);
    expect(judge.credit().get(hotkeyOf('one'))).toBeGreaterThan(0);
    // the operator is told with what
    const said = lines.filter(({ msg }) => msg === 'the model failed on a drawn rollout');
    expect(said.length).toBe(2);
    expect(JSON.stringify(said[0])).toContain('session lost');
  });

  it('on a rollout of one miner for good: the others are credited, and after five attempts it has no credit', async () => {
    const window = await windowOfMiners(2, ['one', 'two']);
    const calm = await walk(judgeWith(good).judge, window);
    const drawn = decodeVerdict(calm.judged.get(hotkeyOf('one'))!).picks;
    const victim = (await mine(window.collected.context, { miner: 'one', groups: 8 }))[drawn[0]!.place]!;
    const { judge } = judgeWith(failing((sequence) => isOf(sequence, victim.tokens)));
    const { judged, attempts } = await walk(judge, window);
    expect(attempts).toBe(5);
    const record = decodeVerdict(judged.get(hotkeyOf('one'))!);
    expect(record.state).toBe('partial');
    expect(record.after.counts).toEqual([{ window: 2, audited: 5, valid: 5 }]);
    expect(judge.credit().get(hotkeyOf('one'))).toBe(0);
    expect(judge.credit().get(hotkeyOf('two'))).toBeGreaterThan(0);
    expect(judge.standings().get(hotkeyOf('one'))?.conviction).toBeUndefined();
  });

  it('is asked nothing of a file that we could not keep, and its miner’s pay goes on', async () => {
    const { judge } = judgeWith(good);
    await walk(judge, await windowOfMiners(1, ['one', 'two']));
    const { credits } = judge.standings().get(hotkeyOf('one'))!;
    const next = await windowOfMiners(2, ['one', 'two']);
    const [one, two] = next.collected.deliveries;
    const ours: Delivery = { miner: one!.miner, is: 'ours', manifest: one!.manifest, why: 'disk full' };
    const missing: Delivery = { miner: two!.miner, is: 'missing', manifest: two!.manifest, what: 'file' };
    const { judged } = await walk(judge, {
      ...next,
      collected: { ...next.collected, deliveries: [ours, missing] },
    });
    expect(judged.size).toBe(0);
    const after = judge.standings().get(hotkeyOf('one'))!;
    expect(after.missed).toEqual([]);
    expect(after.credits).toEqual([...credits, { window: 2, creditMillis: credits[0]!.creditMillis }]);
    expect(judge.credit().get(hotkeyOf('one'))).toBe(Math.floor(credits[0]!.creditMillis / 6));
  });

  it('on everything: the window waits, however long, and nobody is judged in part', async () => {
    const window = await windowOfMiners(3, ['one']);
    let isDown = true;
    const { judge, lines } = judgeWith(failing(() => isDown));
    const { judged, attempts } = await walk(judge, window, (attempt) => {
      if (attempt === 12) isDown = false;
    });
    expect(attempts).toBe(13);
    expect(decodeVerdict(judged.get(hotkeyOf('one'))!).state).toBe('concluded');
    expect(lines.some(({ msg }) => /fails on a plain prompt/.test(msg))).toBe(true);
  });
});

const isOf = (sequence: Uint32Array, tokens: Uint32Array): boolean =>
  sequence.subarray(4).join() === tokens.subarray(0, -1).join();

describe('two manifests of one window', () => {
  beforeAll(readyKeys);

  it('are a window without credit by their proof, and nothing without one', async () => {
    const window = await windowOfMiners(4, ['one', 'two']);
    const other = await windowOfMiners(4, ['one']);
    const key = devKeypair('one');
    const work = {
      window: window.collected.context,
      policy: POLICY,
      hotkey: key.publicKey,
      profileDigest: new Uint8Array(32),
      forfeits: [],
      vocabulary: 64,
    };
    const rollouts = await mine(work.window, { miner: 'one', groups: 8 });
    const [first, second] = [8, 4].map(
      (groups) =>
        writeSubmission(
          rollouts.filter(({ group }) => group < groups),
          { ...work, groups },
          (bytes) => key.sign(bytes),
        ).signed,
    );
    const [delivery] = other.collected.deliveries;
    const refused = (proof?: Uint8Array): WindowToJudge => ({
      ...window,
      collected: {
        ...window.collected,
        deliveries: [
          {
            miner: delivery!.miner,
            is: 'refused',
            manifest: first!.digest,
            reason: 'equivocation',
            ...(proof ? { proof } : {}),
          },
          ...window.collected.deliveries.slice(1),
        ],
      },
    });
    const { judge } = judgeWith(good);
    const { judged } = await walk(judge, refused(encodeEquivocation(first!, second!)));
    expect(decodeVerdict(judged.get(delivery!.miner)!)).toMatchObject({
      state: 'refused',
      reason: 'equivocation',
      creditMillis: 0,
    });
    expect(judge.credit().get(delivery!.miner)).toBe(0);
    expect(judge.credit().get(hotkeyOf('two'))).toBeGreaterThan(0);
    // another window's, or none: our ledger is not what was written
    for (const proof of [undefined, encodeEquivocation(first!, first!), new Uint8Array(40)])
      await expect(walk(judgeWith(good).judge, refused(proof))).rejects.toThrow('never judged');
  });
});

describe('the book of windows', () => {
  beforeAll(readyKeys);

  /** A record of six drawn rollouts that came out so. */
  function record(number: number, before = NEW_STANDING, outcomes: readonly Outcome[] = []): Uint8Array {
    const all: Outcome[] = Array.from({ length: 6 }, (_, i) => outcomes[i] ?? 'valid');
    const judged = all.filter((one) => one === 'valid' || one === 'wrong');
    const bytes = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
    return encodeVerdict({
      netuid: 3,
      window: number,
      hotkey: bytes(1),
      validator: bytes(2),
      windowDigest: bytes(3),
      manifestDigest: bytes(4),
      profileDigest: bytes(5),
      rulesDigest: bytes(6),
      auditBeacon: { kind: 'dev-chain', round: 9n, signature: bytes(7) },
      vrfProof: bytes(8, 96),
      median: 10,
      before,
      state: 'concluded',
      evidences: [],
      picks: all.map((outcome, i) => ({
        place: i,
        group: i,
        index: 0,
        half: i < 3 ? 'public' : 'private',
        ordinal: i % 3,
        deep: true,
        outcome,
        evidences: [],
      })),
      paidMillis: 1_000_000,
      creditMillis: 0,
      after: afterWindow(before, number, {
        trials: judged.map((one) => ({ wrong: one === 'wrong', boundPpb: 200_000 })),
        count: { window: number, audited: 6, valid: all.filter((one) => one === 'valid').length },
        paidMillis: 1_000_000,
        groups: 40,
        perWindow: 6,
      }),
    });
  }
  const miners = Array.from({ length: 20 }, (_, i) => hotkeyOf(`miner ${i}`));
  const NONE = new Uint8Array(32);
  const book = () => createWindowBook({ rules: RULES });
  const close = (
    of: ReturnType<typeof book>,
    window: number,
    outcomesOf: (i: number) => readonly Outcome[],
    who = miners,
  ) =>
    of.close(
      { window, deliveries: who.map((miner) => ({ miner, is: 'complete', manifest: NONE, file: NONE })) },
      new Map(who.map((miner, i) => [miner, record(window, of.standingOf(miner), outcomesOf(i))])),
    )();
  const WRONG: Outcome[] = new Array(6).fill('wrong');
  const convicted = (of: ReturnType<typeof book>) =>
    miners.filter((miner) => of.standings().get(miner)?.conviction).length;

  it('convicts a ring of six in twenty, calls a human, and lets nobody off', () => {
    const own = book();
    for (let window = 1; window <= 3; window++) close(own, window, () => []);
    expect(own.alarms()).toEqual([]);
    close(own, 4, (i) => (i < 6 ? WRONG : []));
    expect(convicted(own)).toBe(6);
    expect(own.alarms()).toEqual([{ is: 'above-bound' }]);
    close(own, 5, () => []);
    expect(own.alarms()).toEqual([]); // what the convicted did is no sign of a fault here
  });

  it('convicts nobody while half of them are struck, and who is still at the mark when that is over', () => {
    const own = book();
    for (let window = 1; window <= 3; window++) close(own, window, (i) => (i < 10 ? WRONG : []));
    expect(convicted(own)).toBe(0);
    expect(own.alarms()).toEqual([{ is: 'broken' }, { is: 'above-bound' }]);
    for (let window = 4; window <= 15; window++) close(own, window, () => []);
    expect(own.alarms()).toEqual([]);
    expect(convicted(own)).toBe(10);
    expect(own.standings().get(miners[0]!)?.conviction?.since).toBe(1);
  });

  it('does not count keys that hand in no more', () => {
    const own = book();
    // four liars a window, each time with fresh keys: sixteen struck keys of the last windows, and no fault of ours
    for (let window = 1; window <= 4; window++) {
      const fresh = Array.from({ length: 4 }, (_, i) => hotkeyOf(`fresh ${window} ${i}`));
      close(own, window, (i) => (i < 16 ? [] : ['wrong']), [...miners.slice(0, 16), ...fresh]);
      expect(own.alarms().some(({ is }) => is === 'broken')).toBe(false);
    }
  });

  it('calls a human where the rollouts of one miner cannot be judged far more often than others’', () => {
    const own = book();
    for (let window = 1; window <= 3; window++)
      close(own, window, (i) =>
        i === 0 ? ['input', 'validator'] : i === 1 && window === 1 ? ['input'] : [],
      );
    expect(own.alarms()).toEqual([{ is: 'evasive', miner: miners[0] }]);
    for (let window = 4; window <= 15; window++) close(own, window, () => []);
    expect(own.alarms()).toEqual([]);
  });
});
