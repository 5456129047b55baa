import { beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel } from '../../../../src/inference/language-model.js';
import { devKeypair, readyKeys, verifySignature } from '../../../../src/keys/keypair.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';
import {
  confirmFraud,
  type FraudProof,
  ratioErrorOf,
  verifyConsumed,
} from '../../../../src/verification/rollouts/consumed.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import {
  handIn,
  mine,
  POLICY,
  RULES,
  signal,
  tableEnvironment,
  windowOf,
} from '../../../support/table-rollouts.js';

const model = createTableModel();
const environment = tableEnvironment();
const parts = { model, environment, tolerance: RULES.tolerance };
const confirming = { ...parts, verify: verifySignature };
const window = windowOf(50);
const GROUPS = [0, 1, 2, 3, 4, 5];

/** One token of each of these places is another, which does not end. */
async function steered(...places: number[]) {
  const rollouts = await mine(window, { groups: 6 });
  const input = handIn(
    window,
    rollouts.map((rollout, place): Rollout => {
      if (!places.includes(place)) return rollout;
      const tokens = rollout.tokens.slice();
      const at = Math.floor((tokens.length - 1) / 2);
      tokens[at] = (tokens[at]! + 7) % 63;
      return { ...rollout, tokens };
    }),
  );
  return { ...input, handed: input.handed.value };
}
const long = (rollouts: readonly Rollout[], from: number) =>
  rollouts.findIndex(({ tokens }, place) => place >= from && tokens.length > 4);

describe('what a trainer checks', () => {
  beforeAll(readyKeys);

  it('says what a loss over the whole vocabulary would be off by', () => {
    const mass = (...shares: number[]) => ({ mass: Float64Array.from(shares) });
    const e = Math.E;
    expect(ratioErrorOf([mass(1 / e, 1), mass(1 / e, 1 / e)])).toEqual({ mean: 0.75, worst: 2 });
    expect(ratioErrorOf([])).toBeUndefined();
    expect(ratioErrorOf([mass(1), {}])).toBeUndefined();
  });

  it('are all tokens, and it gets what they were likely among the candidates', async () => {
    const found = await verifyConsumed(parts, await steered(), GROUPS, signal);
    expect(found).toMatchObject({ checked: 24, wrong: 0, failed: 0, dropped: [], proofs: [] });
    expect(found.rollouts.map(({ place }) => place)).toEqual([...Array(24).keys()]);
    for (const { prompt, tokens, logProbabilities, mass } of found.rollouts) {
      const hidden = await model.prefill([Uint32Array.of(...prompt, ...tokens)], signal);
      const at = Array.from(tokens, (_, t) => ({ sequence: 0, position: prompt.length + t - 1 }));
      const all = await hidden.head(at, 64, signal);
      for (const [t, token] of tokens.entries()) {
        const logits = all.logits.subarray(64 * t, 64 * (t + 1));
        const weights = Array.from(logits, Math.exp);
        const inside = weights.slice(0, POLICY.candidates).reduce((a, b) => a + b);
        const own = weights[all.ids.subarray(64 * t, 64 * (t + 1)).indexOf(token)]!;
        expect(logProbabilities[t]).toBeCloseTo(Math.log(own / inside), 9);
        expect(mass![t]).toBeCloseTo(inside / weights.reduce((a, b) => a + b), 9);
        expect(mass![t]).toBeLessThan(1);
      }
    }
  });

  it('takes nothing from the first group on of which a token was steered, and proves it', async () => {
    const place = long(await mine(window, { groups: 6 }), 9);
    const input = await steered(place);
    const found = await verifyConsumed(parts, input, GROUPS, signal);
    const group = Math.floor(place / 4);
    const behind = GROUPS.filter((each) => each >= group);
    expect(found).toMatchObject({ checked: 24, wrong: 1, dropped: behind });
    expect(behind.length).toBeGreaterThan(1);
    expect(found.rollouts.map((one) => one.group)).toEqual(
      GROUPS.filter((each) => each < group).flatMap((each) => Array(4).fill(each)),
    );
    expect(found.rollouts.length).toBeGreaterThan(0);
    const [proof] = found.proofs;
    expect(proof!.opening.place).toBe(place);
    expect(proof!.margin).toBeGreaterThan(RULES.tolerance);
    // by the same engine to the same margin, by another to nearly
    expect(await confirmFraud(confirming, input, proof!, signal)).toEqual({
      kind: 'confirmed',
      position: proof!.position,
      margin: proof!.margin,
    });
    const other = createTableModel({ noise: 2e-5, noiseSeed: 'engine' });
    const theirs = await confirmFraud({ ...confirming, model: other }, input, proof!, signal);
    expect(theirs.kind).toBe('confirmed');
    expect(Math.abs((theirs.kind === 'confirmed' ? theirs.margin : 0) - proof!.margin)).toBeLessThan(
      2 ** 20 * 1e-4,
    );
  });

  it('takes only what it asked for, and drops what its own model fails on without a word', async () => {
    const input = await steered();
    expect((await verifyConsumed(parts, input, [2, 4], signal)).rollouts.map(({ group }) => group)).toEqual([
      2, 2, 2, 2, 4, 4, 4, 4,
    ]);
    const fails: LanguageModel = {
      ...model,
      async prefill(sequences, signal) {
        if (sequences.length > 1) throw new Error('too many');
        const first = input.handed.file.tokens.subarray(0, input.handed.file.offsets[1]! - 1);
        if (sequences[0]!.subarray(4).join() === first.join()) throw new Error('lost');
        return model.prefill(sequences, signal);
      },
    };
    const found = await verifyConsumed({ ...parts, model: fails }, input, GROUPS, signal);
    expect(found).toMatchObject({ failed: 1, wrong: 0, dropped: [0], proofs: [] });
    await expect(
      verifyConsumed(parts, input, GROUPS, AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough');
  });
});

describe('a proof of a wrong token', () => {
  beforeAll(readyKeys);

  it('of a right one is unfounded, and of none refused', async () => {
    const rollouts = await mine(window, { groups: 6 });
    const place = long(rollouts, 0);
    const input = await steered(place);
    const [proof] = (await verifyConsumed(parts, input, GROUPS, signal)).proofs;
    const tried = (change: Partial<FraudProof>) =>
      confirmFraud(confirming, input, { ...proof!, ...change }, signal);
    expect(await tried({ position: 0 })).toEqual({ kind: 'unfounded' });
    for (const position of [-1, 0.5, 1000, Number.NaN])
      expect(await tried({ position })).toEqual({ kind: 'refused', reason: 'position' });
    expect(await tried({ margin: 1e15 })).toEqual(await tried({})); // what it says of the margin is not believed

    const { record, path } = proof!.opening;
    const opening = proof!.opening;
    expect(await tried({ opening: { ...opening, place: opening.place + 1 } })).toEqual({
      kind: 'refused',
      reason: 'path',
    });
    expect(await tried({ opening: { ...opening, path: path.subarray(32) } })).toMatchObject({
      kind: 'refused',
    });
    const random = createSeededRandom('fraud');
    for (const part of ['record', 'path'] as const)
      for (let i = 0; i < 40; i++) {
        const bytes = { record, path }[part].slice();
        bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
        expect((await tried({ opening: { ...opening, [part]: bytes } })).kind).toBe('refused');
      }
    for (let at = 0; at < proof!.manifest.length; at += 5) {
      const manifest = proof!.manifest.slice();
      manifest[at]! ^= 1;
      expect((await tried({ manifest })).kind).toBe('refused');
    }
  });

  it('is not of another window, miner or commitment', async () => {
    const input = await steered(long(await mine(window, { groups: 6 }), 0));
    const [proof] = (await verifyConsumed(parts, input, GROUPS, signal)).proofs;
    const reasons = await Promise.all(
      [
        { ...input, window: windowOf(51) },
        { ...input, hotkey: devKeypair('other').publicKey },
        { ...input, committed: new Uint8Array(32) },
      ].map((other) => confirmFraud(confirming, other, proof!, signal)),
    );
    expect(reasons).toEqual([
      { kind: 'refused', reason: 'other-window' },
      { kind: 'refused', reason: 'other-hotkey' },
      { kind: 'refused', reason: 'other-commitment' },
    ]);
  });

  it('is nothing against a miner whose confirmer’s model fails', async () => {
    const input = await steered(long(await mine(window, { groups: 6 }), 0));
    const [proof] = (await verifyConsumed(parts, input, GROUPS, signal)).proofs;
    const fails = { ...model, prefill: () => Promise.reject(new Error('lost')) };
    expect(await confirmFraud({ ...confirming, model: fails }, input, proof!, signal)).toEqual({
      kind: 'inconclusive',
    });
  });
});
