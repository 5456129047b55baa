import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { devKeypair, readyKeys, verifySignature } from '../../../../src/keys/keypair.js';
import { fromUtf8, toHex, utf8 } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import type { CalibrationStep } from '../../../../src/testing/rollouts/calibrate.js';
import {
  assertFollows,
  attackRow,
  type Calibration,
  calibrationBytes,
  calibrationDigest,
  conformalIndex,
  conformalQuantile,
  isCovered,
  legalRollouts,
  loadCalibration,
  mismatchBoundPpb,
  recomputed,
  rulesOf,
  signCalibration,
  surelyWrongPpb,
  unanswered,
} from '../../../../src/verification/rollouts/calibration.js';
import { SLICE, SLICE_HOTKEY, slice } from '../../../support/calibration-slice.js';

const { signal } = new AbortController();
const stored = readFileSync(SLICE);
const verify = verifySignature;
let loaded: Calibration;
beforeAll(async () => {
  await readyKeys();
  loaded = loadCalibration(stored, { verify }).calibration;
});

describe('the conformal quantile', () => {
  it('is the ceil((n + 1)(1 - alpha))-th score', () => {
    expect([10, 999, 2995].map((n) => conformalIndex(n, 1000))).toEqual([11, 999, 2994]);
    const scores = Array.from({ length: 99 }, (_, i) => 99 - i);
    expect(conformalQuantile(scores, 10_000)).toBe(99);
    expect(conformalQuantile(scores, 100_000)).toBe(90);
    expect(() => conformalQuantile(scores.slice(1), 10_000)).toThrow('expected at least 99');
  });

  it('is exceeded by further scores as seldom as alpha says, whatever their distribution', () => {
    const random = createSeededRandom('conformal');
    const heavy = (): number => Math.floor(1000 / (1 + random.below(100_000)));
    let beyond = 0;
    for (let run = 0; run < 2000; run++) {
      const scores = Array.from({ length: 39 }, heavy);
      if (heavy() > conformalQuantile(scores, 50_000)) beyond++;
    }
    expect(beyond / 2000).toBeLessThan(0.06);
  });
});

describe('the bound of honest mismatches', () => {
  it('is that of Clopper and Pearson: 15,000 honest rollouts are the least for 2 in 10,000', () => {
    // 1 - .05^(1/n)
    expect(mismatchBoundPpb(0, 15_000)).toBe(199_696);
    expect(mismatchBoundPpb(0, 20_000)).toBe(149_776);
    expect(mismatchBoundPpb(0, 14_900)).toBeGreaterThan(200_000);
    expect(mismatchBoundPpb(1, 1)).toBe(1_000_000_000);
    // tables: 3 of 10 from above 0.6066, 5 of 20 from below 0.1041
    expect(mismatchBoundPpb(3, 10) / 1e9).toBeCloseTo(0.6066, 4);
    expect(surelyWrongPpb(5, 20) / 1e9).toBeCloseTo(0.1041, 4);
    expect(surelyWrongPpb(0, 20)).toBe(0);
    for (const [wrong, of] of [
      [2, 1],
      [-1, 5],
      [0.5, 5],
      [0, 0],
    ] as const)
      expect(() => mismatchBoundPpb(wrong, of)).toThrow(RangeError);
  });
});

describe('the table of lies', () => {
  const counts = { name: 'a', checks: ['margin'], of: 'tokens', windows: 20, missed: 0 } as const;
  const row = (judged: number, wrong: number) => attackRow({ ...counts, judged, wrong }, 6, 200_000);

  it('counts who is not convicted before a first window is paid out', () => {
    expect(row(120, 120)).toMatchObject({ farPpm: 0, windowsToConvict: 1 });
    expect(row(120, 0)).toMatchObject({ farPpm: 1_000_000, windowsToConvict: 0 });
    const seldom = row(1200, 12);
    expect(seldom.farPpm).toBeGreaterThan(900_000);
    expect(seldom.windowsToConvict).toBeGreaterThan(12);
    expect(row(1200, 120).windowsToConvict).toBeLessThan(row(1200, 60).windowsToConvict);
    // few rollouts make little sure: the same share of fewer is let through more often
    expect(row(12, 3).farPpm).toBeGreaterThan(row(1200, 300).farPpm);
    expect([row(120, 120), row(1200, 12), { checks: [], farPpm: 0 }].map(isCovered)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('counts windows where bytes show it', () => {
    const bytes = { ...counts, of: 'bytes', judged: 0, wrong: 0 } as const;
    expect(attackRow(bytes, 6, 200_000).farPpm).toBe(0);
    expect(attackRow({ ...bytes, missed: 1 }, 6, 200_000).farPpm).toBe(50_000);
  });
});

describe('the stored slice', () => {
  it('is made again to the byte: corpora, quantile, bounds, every row', async () => {
    const steps: CalibrationStep[] = [];
    const made = await slice(signal, undefined, (step) => steps.push(step));
    expect(toHex(calibrationDigest(made))).toBe(toHex(calibrationDigest(loaded)));
    expect(fromUtf8(calibrationBytes(made))).toBe(fromUtf8(calibrationBytes(loaded)));
    // the noise of one engine is 1e-5 at most, twice that in units of 2^-20
    expect(made.noise.quantile).toBe(21);
    expect(made.acceptance).toMatchObject({ rollouts: 400, wrong: 0, boundPpb: 7_461_356 });
    expect(made.attacks.rows.every(({ name, missed }) => missed === 0 || name === 'steered-tenth')).toBe(
      true,
    );

    // ended in its middle and taken up again it is the same
    const of = <P extends CalibrationStep['part']>(part: P, count: number) =>
      steps.flatMap((step) => (step.part === part ? [step.result] : [])).slice(0, count);
    const done = { noise: of('noise', 9), acceptance: of('acceptance', 7), attacks: of('attacks', 30) };
    let again = 0;
    expect(await slice(signal, done as never, () => again++)).toEqual(made);
    expect(again).toBe(steps.length - done.noise.length - 7 - 30);
  });

  it('follows from its counts', () => {
    expect(recomputed(loaded)).toEqual(loaded);
    expect(legalRollouts(loaded)).toBeGreaterThan(1);
    expect(rulesOf(loaded, 200)).toEqual({
      draw: { rollouts: 6, deep: 6, positions: 8 },
      tolerance: 21,
      bounds: [{ upTo: 48, ppb: 7_461_356 }],
      promptMillis: 200,
    });
  });
});

describe('loading', () => {
  const owner = () => devKeypair(SLICE_HOTKEY);
  const sign = (value: Calibration) => signCalibration(value, owner());

  it('takes it by its digest, of its signer, for its profiles', () => {
    const expected = { verify, digest: calibrationDigest(loaded), hotkey: owner().publicKey };
    const { miner, verifier } = loaded;
    expect(loadCalibration(stored, { ...expected, miner, verifier }).calibration).toEqual(loaded);
    const other = { ...miner, engineVersion: '2' };
    expect(() => loadCalibration(stored, { ...expected, miner: other })).toThrow('miner of the calibration');
    expect(() => loadCalibration(stored, { ...expected, verifier: other })).toThrow('verifier of the');
    expect(() => loadCalibration(stored, { ...expected, digest: new Uint8Array(32) })).toThrow('digest 00');
    expect(() => loadCalibration(stored, { ...expected, hotkey: new Uint8Array(32) })).toThrow(
      'signed by 00',
    );
  });

  it('refuses any byte changed, and every other spelling', () => {
    for (let at = 0; at < stored.length; at += 97) {
      const changed = Uint8Array.from(stored);
      changed[at]! ^= 1;
      expect(() => loadCalibration(changed, { verify }), `byte ${at}`).toThrow();
    }
    const spaced = utf8(JSON.stringify(JSON.parse(stored.toString()), undefined, 1));
    expect(() => loadCalibration(spaced, { verify })).toThrow('its one spelling');
    for (const bytes of [new Uint8Array(0), utf8('[]'), utf8('{}'), new Uint8Array((1 << 20) + 1)])
      expect(() => loadCalibration(bytes, { verify })).toThrow();
  });

  it('refuses what is signed but does not follow', () => {
    const cases: [string, Calibration][] = [
      ['boundPpb', { ...loaded, acceptance: { ...loaded.acceptance, boundPpb: 1 } }],
      ['tolerance', { ...loaded, tolerance: 20 }],
      ['freedomPpm', { ...loaded, freedomPpm: 0 }],
      ['seeds', { ...loaded, attacks: { ...loaded.attacks, seed: loaded.noise.seed } }],
      ['rollouts', { ...loaded, noise: { ...loaded.noise, alphaPpm: 100 } }],
      ['draw', { ...loaded, draw: { ...loaded.draw, deep: 7 } }],
      ['environment', { ...loaded, environment: { ...loaded.environment, digest: new Uint8Array(32) } }],
      [
        'each lie once',
        { ...loaded, attacks: { seed: 'x', rows: [loaded.attacks.rows[0]!, loaded.attacks.rows[0]!] } },
      ],
      ['answered for in `without`, got steered-tenth', { ...loaded, without: [] }],
    ];
    for (const [why, value] of cases) {
      expect(() => assertFollows(value), why).toThrow(why);
      expect(() => loadCalibration(sign(value), { verify }), why).toThrow(why);
    }
    expect(unanswered({ ...loaded, without: [] })).toEqual(['steered-tenth']);
    const unknown = utf8(stored.toString().replace('"weights":"random"', '"weights":"random","x":1'));
    expect(() => loadCalibration(unknown, { verify })).toThrow('file.calibration.x');
  });
});
