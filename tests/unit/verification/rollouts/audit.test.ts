import { beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel } from '../../../../src/inference/language-model.js';
import { streamRoot } from '../../../../src/inference/spec/stream.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { verifyVrf } from '../../../../src/keys/vrf.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { createTableModel, type TableOptions } from '../../../../src/testing/rollouts/table-model.js';
import { type AuditInput, audit, replay } from '../../../../src/verification/rollouts/audit.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import {
  afterMissing,
  afterWindow,
  isAtMark,
  NEW_STANDING,
  type Standing,
  settle,
  weightMillis,
} from '../../../../src/verification/rollouts/standing.js';
import {
  decodeVerdict,
  encodeVerdict,
  type VerdictRecord,
  verdictDigest,
} from '../../../../src/verification/rollouts/verdict.js';
import {
  handIn,
  type Mining,
  mine,
  RULES,
  signal,
  stateOf,
  tableEnvironment,
  windowOf,
} from '../../../support/table-rollouts.js';

const model = createTableModel();
const environment = tableEnvironment();
const parts = { model, environment, rules: RULES };
const partly = { ...parts, rules: { ...RULES, draw: { rollouts: 8, deep: 2, positions: 8 } } };

async function audited(window: number, mining: Mining = {}, before: Standing = NEW_STANDING, by = parts) {
  const context = windowOf(window);
  const input = handIn(context, await mine(context, mining));
  return audit(by, input, stateOf(input, before), signal);
}
const outcomes = (record: VerdictRecord) => record.picks.map(({ outcome }) => outcome);
const edited = (rollouts: readonly Rollout[], edit: (rollout: Rollout, i: number) => Rollout) =>
  rollouts.map(edit);

/** Another token where there is none that ends. */
function corrupt(rollout: Rollout, positions: number, seed = 'corrupt'): Rollout {
  const random = createSeededRandom(seed);
  const tokens = rollout.tokens.slice();
  for (let i = 0; i < positions; i++) {
    const at = random.below(tokens.length - 1);
    tokens[at] = (tokens[at]! + 1 + random.below(60)) % 63;
  }
  return { ...rollout, tokens };
}

describe('the audit of a window', () => {
  beforeAll(readyKeys);

  it('finds an honest miner valid, pays it, and says what was looked at', async () => {
    const record = await audited(1);
    expect(record.state).toBe('concluded');
    expect(outcomes(record)).toEqual(new Array(6).fill('valid'));
    expect(record.after.counts).toEqual([{ window: 1, audited: 6, valid: 6 }]);
    expect(record.creditMillis).toBe(2_058_334); // .607 over .959 of what is paid
    expect(weightMillis(record.after, 1)).toBe(Math.floor(record.creditMillis / 12));
    const [scan] = record.evidences;
    expect(scan).toMatchObject({ check: 'scan', kind: 'statistic', mismatches: 0 });
    expect(scan!.n).toBeGreaterThan(1000);
    expect(scan!.value! / 1024).toBeGreaterThan(100); // bits against "without the stream"
    for (const { evidences } of record.picks) {
      expect(evidences.map(({ check }) => check)).toEqual(['grade', 'margin', 'near', 'race']);
      expect(evidences[1]).toMatchObject({ kind: 'ok', mismatches: 0, maxMargin: 0 });
    }
  });

  it('finds a thousand honest rollouts of an engine with other rounding valid, each at every position', async () => {
    const other = createTableModel({ noise: 2e-5, noiseSeed: 'engine' });
    const every = { ...parts, rules: { ...RULES, draw: { rollouts: 64, deep: 64, positions: 8 } } };
    let rollouts = 0;
    let [z, positions] = [0, 0];
    for (let window = 1; window <= 16; window++) {
      const record = await audited(window, { model: other, groups: 16 }, NEW_STANDING, every);
      expect(new Set(outcomes(record))).toEqual(new Set(['valid']));
      rollouts += record.picks.length;
      for (const { evidences } of record.picks) {
        const race = evidences.find(({ check }) => check === 'race')!;
        z += race.value! / 2 ** 20;
        positions += race.n;
      }
    }
    expect(rollouts).toBe(1024);
    expect(positions).toBeGreaterThan(10_000);
    // exponential with mean 1 whatever the text: within five standard errors
    expect(Math.abs(z / positions - 1)).toBeLessThan(5 / Math.sqrt(positions));
  });

  const liars: [string, Mining | TableOptions, 'every' | 'some'][] = [
    ['another model under the right stream', { seed: 'another' }, 'every'],
    ['a coarser model under the right stream', { noise: 0.3, noiseSeed: 'int4' }, 'every'],
    ['a hotter sampler', { temperature: 1.3 }, 'every'],
    ['a colder sampler', { temperature: 0.8 }, 'some'],
    ['an end that is passed over', { suppressStop: true }, 'some'],
  ];
  for (const [name, change, how] of liars)
    it(`finds ${name} wrong, at all positions or at a few`, async () => {
      const isModel = 'seed' in change || 'noise' in change;
      const mining: Mining = isModel
        ? { model: createTableModel(change as TableOptions) }
        : (change as Mining);
      for (const by of [parts, partly]) {
        const wrong = outcomes(await audited(2, mining, NEW_STANDING, by)).filter(
          (one) => one === 'wrong',
        ).length;
        expect(wrong).toBeGreaterThanOrEqual(how === 'every' && by === parts ? 5 : 2);
      }
    });

  it('finds another stream wrong, and the scan says so of the whole file', async () => {
    const stranger = streamRoot(windowOf(3), devKeypair('stranger').publicKey);
    const record = await audited(3, { root: stranger });
    expect(outcomes(record)).toEqual(new Array(6).fill('wrong'));
    const [scan] = record.evidences;
    expect(scan!.mismatches).toBe(scan!.n);
    expect(record.after.closerUntil).toBe(15);
    expect(isAtMark(record.after)).toBe(true);
    expect(record.creditMillis).toBe(0);
    // and the next window of such a miner is looked at four times as closely
    expect((await audited(4, {}, record.after)).picks).toHaveLength(24);
  });

  it('sees every suppressed end, wherever positions were drawn', async () => {
    const none = { ...parts, rules: { ...RULES, draw: { rollouts: 64, deep: 0, positions: 1 } } };
    const window = windowOf(5);
    const honest = await mine(window);
    const forced = await mine(window, { suppressStop: true });
    const record = await audited(5, { suppressStop: true }, NEW_STANDING, none);
    for (const { place, outcome, evidences } of record.picks) {
      const same = honest[place]!.tokens.join() === forced[place]!.tokens.join();
      expect(outcome).toBe(same ? 'valid' : 'wrong');
      expect(evidences.find(({ check }) => check === 'sentinel')?.kind).toBe(same ? 'ok' : 'violation');
    }
    expect(record.picks.some(({ outcome }) => outcome === 'valid')).toBe(true);
  });

  it('convicts a sampler of .9 within two windows, after a thousand honest ones', async () => {
    let standing = NEW_STANDING;
    for (let window = 1; window <= 1000; window++)
      standing =
        window % 250 === 0 // these four really mined and judged
          ? (await audited(window, {}, standing)).after
          : afterWindow(standing, window, {
              trials: new Array(6).fill({ wrong: false, boundPpb: 200_000 }),
              count: { window, audited: 6, valid: 6 },
              paidMillis: 1_000_000,
              groups: 40,
              perWindow: 6,
            });
    expect(standing.since).toBeUndefined();
    let window = 1001;
    for (; window <= 1002; window++) {
      standing = settle((await audited(window, { temperature: 0.9 }, standing)).after, window, false);
      if (standing.conviction) break;
    }
    expect(standing.conviction).toEqual({ window, since: 1001 });
    expect(weightMillis(standing, 1000)).toBeGreaterThan(0);
    expect(weightMillis(standing, 1001)).toBe(0);
    expect(weightMillis(standing, 1010)).toBe(0);
  });

  it('does not convict for one honest rollout with twenty wrong positions: it is unpaid', async () => {
    const window = windowOf(7);
    const rollouts = await mine(window);
    const places = (await audited(7)).picks.map(({ place }) => place);
    const long = places.reduce((a, b) => (rollouts[a]!.tokens.length >= rollouts[b]!.tokens.length ? a : b));
    const input = handIn(
      window,
      edited(rollouts, (one, i) => (i === long ? corrupt(one, 20) : one)),
    );
    const record = await audit(parts, input, stateOf(input), signal);
    expect(outcomes(record).filter((one) => one === 'wrong')).toHaveLength(1);
    expect(record.picks.find(({ place }) => place === long)).toMatchObject({ outcome: 'wrong' });
    expect(record.after.counts).toEqual([{ window: 7, audited: 6, valid: 5 }]);
    expect(record.after.since).toBe(7);
    expect(settle(record.after, 7, false).conviction).toBeUndefined();
    expect(record.paidMillis).toBeLessThan((await audited(7)).paidMillis);
  });

  it('convicts nobody while the breaker is open, and keeps what speaks against them', async () => {
    const { after } = await audited(8, { model: createTableModel({ seed: 'another' }) });
    expect(isAtMark(after)).toBe(true);
    expect(settle(after, 8, true)).toEqual(after);
    expect(settle(after, 8, false).conviction).toEqual({ window: 8, since: 8 });
  });

  it('counts a limit that the miner’s bytes reached as not valid, and not as a lie', async () => {
    const limited = { ...parts, environment: tableEnvironment(() => ({ kind: 'limit', which: 'digits' })) };
    const honest = await audited(9);
    const record = await audited(9, {}, NEW_STANDING, limited);
    expect(outcomes(record)).toEqual(new Array(6).fill('input'));
    expect(record.after.detector).toEqual(NEW_STANDING.detector);
    expect(record.after.counts).toEqual([{ window: 9, audited: 6, valid: 0 }]);
    expect(record.creditMillis).toBe(0);
    expect(honest.creditMillis).toBeGreaterThan(0);
    // a lie stays one behind it
    const lying = await audited(9, { model: createTableModel({ seed: 'another' }) }, NEW_STANDING, limited);
    expect(new Set(outcomes(lying))).toEqual(new Set(['wrong']));
  });

  it('neither draws, pays nor counts a group with an invalid rollout, and charges it as one given up', async () => {
    const window = windowOf(12);
    const whole = handIn(window, await mine(window));
    const { policy, handed } = whole;
    const broken = new Set(Array.from({ length: 20 }, (_, i) => 2 * i));
    const invalid = new Map(
      [...broken].map((group) => [group * policy.rolloutsPerGroup, 'no-tokens' as const]),
    );
    const input = { ...whole, handed: { ...handed, value: { ...handed.value, invalid, broken } } };
    const honest = await audit(parts, whole, stateOf(whole), signal);
    const record = await audit(parts, input, stateOf(input), signal);
    for (const { group } of record.picks) expect(broken.has(group)).toBe(false);
    // twenty groups earned, twenty at the price of one: hardly anything is left
    expect(record.paidMillis).toBeLessThan(0.2 * honest.paidMillis);
    const few = handIn(
      window,
      (await mine(window)).filter(({ group }) => group < 20),
    );
    const half = await audit(parts, few, stateOf(few), signal);
    expect(record.creditMillis / record.paidMillis).toBeCloseTo(half.creditMillis / half.paidMillis, 4);
  });

  it('neither pays nor blames while our own model fails, and makes it good later', async () => {
    const window = windowOf(10);
    const rollouts = await mine(window);
    const input = handIn(window, rollouts);
    const state = stateOf(input);
    const good = await audit(parts, input, state, signal);
    const victim = good.picks[2]!;
    const { tokens } = rollouts[victim.place]!;
    for (const breaks of [failsOn(tokens), saysNothingOf(tokens)]) {
      const record = await audit({ ...parts, model: breaks }, input, state, signal);
      expect(record.state).toBe('pending');
      expect(record.picks.filter(({ outcome }) => outcome === 'validator').map(({ place }) => place)).toEqual(
        [victim.place],
      );
      expect(record.creditMillis).toBe(0);
      expect(record.after).toEqual(NEW_STANDING);
    }
    // the same draw again: a rollout that breaks sessions is not drawn around
    expect(encodeVerdict(await audit(parts, input, state, signal))).toEqual(encodeVerdict(good));
    const brokenGrader = tableEnvironment(() => ({ kind: 'fault', why: 'no sandbox' }));
    const ungraded = await audit({ ...parts, environment: brokenGrader }, input, state, signal);
    expect(outcomes(ungraded)).toEqual(new Array(6).fill('valid'));
    expect(ungraded.picks[0]!.evidences[0]).toMatchObject({ check: 'grade', kind: 'inconclusive-validator' });
  });

  it('counts, at the last attempt, what the other drawn rollouts say, and pays nothing', async () => {
    const window = windowOf(13);
    const honest = await mine(window);
    const places = (await audited(13)).picks.map(({ place }) => place);
    const [breaking, ...others] = places;
    const lying = handIn(
      window,
      edited(honest, (one, i) => (others.slice(0, 3).includes(i) ? corrupt(one, 20) : one)),
    );
    const state = stateOf(lying);
    const model = failsOn(honest[breaking!]!.tokens);
    const faults: [string, number][] = [];
    const failing = {
      ...parts,
      model,
      onFault: (why: unknown, place: number) => faults.push([String(why), place]),
    };
    const waiting = await audit(failing, lying, state, signal);
    expect(waiting).toMatchObject({ state: 'pending', creditMillis: 0 });
    expect(waiting.after).toEqual(NEW_STANDING);
    expect(faults).toEqual([['Error: session lost', breaking]]);

    const last = await audit(failing, lying, { ...state, isLast: true }, signal);
    expect(last).toMatchObject({ state: 'partial', paidMillis: 0, creditMillis: 0 });
    const wrong = outcomes(last).filter((one) => one === 'wrong').length;
    expect(wrong).toBeGreaterThanOrEqual(2);
    expect(outcomes(last).filter((one) => one === 'validator')).toHaveLength(1);
    // the one that could not be judged speaks neither way
    expect(last.after.counts).toEqual([{ window: 13, audited: 5, valid: 5 - wrong }]);
    expect(last.after.since).toBe(13);
    const without = await audit(
      parts,
      handIn(
        window,
        edited(honest, (one, i) => (others.slice(0, 3).includes(i) ? corrupt(one, 20) : one)),
      ),
      state,
      signal,
    );
    expect(without.picks.map(({ place }) => place)).toEqual(last.picks.map(({ place }) => place));
    expect(without.creditMillis).toBeGreaterThan(last.creditMillis);
    expect(last.after.credits).toEqual([{ window: 13, creditMillis: 0 }]);

    const clean = handIn(window, honest);
    const cleanState = stateOf(clean);
    const spared = await audit(failing, clean, { ...cleanState, isLast: true }, signal);
    expect(spared).toMatchObject({ state: 'partial', creditMillis: 0 });
    expect(spared.after.detector).toEqual((await audit(parts, clean, cleanState, signal)).after.detector);
    expect(spared.after.since).toBeUndefined();

    // judged again it is the same while the model fails so, and another where it does not
    const bytes = encodeVerdict(last);
    expect(encodeVerdict(decodeVerdict(bytes))).toEqual(bytes);
    const again = (by: typeof parts) => replay({ ...by, verifyVrf }, bytes, lying, state, signal);
    expect(await again(failing)).toEqual({ kind: 'same' });
    expect(await again(parts)).toMatchObject({ kind: 'different', record: { state: 'concluded' } });
    // with nothing to be said about the model, the last attempt is as any other
    expect(await audit(parts, clean, { ...cleanState, isLast: true }, signal)).toEqual(
      await audit(parts, clean, cleanState, signal),
    );
  });

  it('ends with its signal', async () => {
    const window = windowOf(11);
    const input = handIn(window, await mine(window, { groups: 2 }));
    await expect(audit(parts, input, stateOf(input), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });

  it('credits nothing for what was refused, and counts no good audit before the second in twelve windows', async () => {
    const window = windowOf(20);
    const input: AuditInput = {
      ...handIn(window, await mine(window, { groups: 2 })),
      handed: { kind: 'refused', reason: 'file-digest' },
    };
    const before = { ...NEW_STANDING, counts: [{ window: 19, audited: 6, valid: 6 }] };
    const once = await audit(parts, input, stateOf(input, before), signal);
    expect(once).toMatchObject({ state: 'refused', reason: 'file-digest', creditMillis: 0 });
    expect(once.after.counts).toHaveLength(1);
    const next = { ...input, window: windowOf(25) };
    const twice = await audit(parts, next, stateOf(next, once.after), signal);
    expect(twice.after.missed).toEqual([20, 25]);
    const anew = await audited(26, {}, twice.after);
    const first = await audited(26);
    expect(anew.after.counts).toHaveLength(2);
    expect(anew.creditMillis).toBe(first.creditMillis);
    expect((await audited(26, {}, once.after)).creditMillis).toBeGreaterThan(first.creditMillis);
    const late = { ...input, window: windowOf(44) };
    expect((await audit(parts, late, stateOf(late, once.after), signal)).after.missed).toEqual([44]);
  });
});

describe('a second missed window', () => {
  const honest = { paidMillis: 1_000_000, groups: 40, perWindow: 6 };
  const step = (from: Standing, window: number, valid: number) =>
    afterWindow(from, window, {
      ...honest,
      trials: Array.from({ length: 6 }, (_, i) => ({ wrong: i >= valid, boundPpb: 200_000 })),
      count: { window, audited: 6, valid },
    });
  const creditOf = (standing: Standing, window: number) =>
    standing.credits.find((one) => one.window === window)?.creditMillis ?? 0;
  /** Credits of windows 13 to 27: twelve of so many valid ones, two that are missed or are as those, and right ones. */
  function course(valid: number, missing: boolean): number[] {
    let standing = NEW_STANDING;
    const next = (window: number): Standing => {
      if (window > 14) return step(standing, window, 6);
      return missing && window > 12 ? afterMissing(standing, window) : step(standing, window, valid);
    };
    return Array.from({ length: 27 }, (_, i) => {
      standing = next(i + 1);
      return creditOf(standing, i + 1);
    }).slice(12);
  }
  const first = creditOf(step(NEW_STANDING, 1, 6), 1);

  it('does not make good what was wrong before', () => {
    // 27 of 54, or none, and then six right ones: had they been forgotten, they would be paid as those of a new key
    expect(first).toBe(632_749);
    expect(course(3, true)[2]).toBe(454_533);
    expect(course(0, true)[2]).toBeLessThan(0.1 * first);
    for (const valid of [3, 4, 5]) {
      const [there, away] = [course(valid, false), course(valid, true)];
      const sum = (credits: number[]) => credits.reduce((a, b) => a + b, 0);
      expect(sum(away), `${valid} of 6`).toBeLessThan(sum(there));
    }
  });

  it('costs what was right before, until it is twelve windows old', () => {
    const [there, away] = [course(6, false), course(6, true)];
    for (let i = 0; i < 13; i++) expect(away[i]).toBeLessThan(there[i]!);
    expect(away[2]).toBe(first);
    expect(away[14]).toBe(there[14]);
  });
});

describe('a verdict’s record', () => {
  beforeAll(readyKeys);

  it('replays to the same bytes, of honest and lying miners, whole and in part', async () => {
    const window = windowOf(30);
    const { after } = await audited(29, { temperature: 0.9 });
    for (const mining of [{}, { temperature: 0.8 }, { suppressStop: true }])
      for (const by of [parts, partly]) {
        const input = handIn(window, await mine(window, mining));
        const bytes = encodeVerdict(await audit(by, input, stateOf(input, after), signal));
        expect(encodeVerdict(decodeVerdict(bytes))).toEqual(bytes);
        const known = stateOf(input, after);
        expect(await replay({ ...by, verifyVrf }, bytes, input, known, signal)).toEqual({ kind: 'same' });
        expect(verdictDigest(bytes)).toHaveLength(32);
      }
    const refused: AuditInput = {
      ...handIn(window, await mine(window, { groups: 2 })),
      handed: { kind: 'refused', reason: 'over-quota' },
    };
    const bytes = encodeVerdict(await audit(parts, refused, stateOf(refused, after), signal));
    expect(await replay({ ...parts, verifyVrf }, bytes, refused, stateOf(refused, after), signal)).toEqual({
      kind: 'same',
    });
  });

  it('is told from one with any byte changed, or of other inputs', async () => {
    const window = windowOf(31);
    const input = handIn(window, await mine(window, { groups: 4 }));
    const bytes = encodeVerdict(await audit(parts, input, stateOf(input), signal));
    for (let at = 0; at < bytes.length; at += 19) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << (at % 8);
      const { kind } = await replay({ ...parts, verifyVrf }, changed, input, stateOf(input), signal).catch(
        (error: unknown) => {
          throw new Error(`byte ${at}`, { cause: error });
        },
      );
      expect(kind, `byte ${at}`).not.toBe('same');
    }
    const other = handIn(windowOf(32), await mine(windowOf(32), { groups: 4 }));
    expect((await replay({ ...parts, verifyVrf }, bytes, other, stateOf(other), signal)).kind).toBe(
      'refused',
    );
    const rules = { ...RULES, tolerance: 1 };
    expect(await replay({ ...parts, rules, verifyVrf }, bytes, input, stateOf(input), signal)).toEqual({
      kind: 'refused',
      why: 'made for rules other than these',
    });
    // a private half of somebody else's
    const stolen = stateOf(input, NEW_STANDING, 'other');
    const forged = encodeVerdict(
      await audit(parts, input, { ...stolen, validator: devKeypair('validator').publicKey }, signal),
    );
    expect((await replay({ ...parts, verifyVrf }, forged, input, stateOf(input), signal)).kind).toBe(
      'refused',
    );
    for (const length of [0, 1, 100, bytes.length - 1])
      expect(
        (await replay({ ...parts, verifyVrf }, bytes.subarray(0, length), input, stateOf(input), signal))
          .kind,
      ).toBe('refused');
    const random = createSeededRandom('verdict');
    for (let i = 0; i < 200; i++) {
      const noise = bytes.slice();
      noise.set(random.bytes(20), random.below(bytes.length - 20));
      expect(() => {
        try {
          decodeVerdict(noise);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }).not.toThrow();
    }
  });
});

/** A session that dies on one rollout, and takes its batch along. */
function failsOn(tokens: Uint32Array): LanguageModel {
  return {
    ...model,
    async prefill(sequences, signal) {
      if (sequences.some((sequence) => endsWith(sequence, tokens))) throw new Error('session lost');
      return model.prefill(sequences, signal);
    },
  };
}

/** Logits that are no numbers for one rollout. */
function saysNothingOf(tokens: Uint32Array): LanguageModel {
  return {
    ...model,
    async prefill(sequences, signal) {
      const hidden = await model.prefill(sequences, signal);
      const of = sequences.findIndex((sequence) => endsWith(sequence, tokens));
      return {
        ...hidden,
        async head(at, candidates, signal) {
          const found = await hidden.head(at, candidates, signal);
          if (at.some(({ sequence }) => sequence === of)) found.logits.fill(Number.NaN);
          return found;
        },
      };
    },
  };
}

const endsWith = (sequence: Uint32Array, tokens: Uint32Array): boolean =>
  sequence.subarray(4).join() === tokens.subarray(0, -1).join();
