import { describe, expect, it } from 'vitest';
import { lowerBound } from '../../../../src/model/binomial.js';
import {
  creditOf,
  pooled,
  vestedMillis,
  WINDOWS,
  type WindowCount,
} from '../../../../src/verification/rollouts/credit.js';
import golden from '../../../vectors/rollouts-audit.json' with { type: 'json' };

const PAID = 1_000_000;
const counts = (windows: number, audited = 6, valid = audited): WindowCount[] =>
  Array.from({ length: windows }, (_, window) => ({ window, audited, valid }));

describe('the credit of a window', () => {
  it('is that of the golden vectors', () => {
    for (const [valid, audited, bound] of golden.lowerBounds)
      expect(lowerBound(valid!, audited!, [1n, 20n])).toBe(bound);
    for (const { creditMillis, valid, audited, perWindow, paidMillis, groups } of golden.credits)
      expect(creditOf(paidMillis, groups, [{ window: 0, audited, valid }], perWindow)).toBe(creditMillis);
    expect(golden.credits).toHaveLength(6);
  });

  it('is all of it after twelve valid windows, and rises to that from a new key’s share', () => {
    const shares = Array.from({ length: 13 }, (_, i) => creditOf(PAID, 32, counts(Math.min(i + 1, 12)), 6));
    expect(shares[0]).toBe(632_749);
    expect(shares[11]).toBe(1_000_000);
    expect(shares.every((share, i) => i === 0 || share >= shares[i - 1]!)).toBe(true);
    const lost = shares.reduce((sum, share) => sum + 1 - share / 1e6, 0);
    expect(lost).toBeCloseTo(0.925, 2); // windows of pay that a restart costs by this alone
    const eight = Array.from({ length: 12 }, (_, i) => creditOf(PAID, 32, counts(i + 1, 8), 8));
    expect(eight.reduce((sum, share) => sum + 1 - share / 1e6, 0)).toBeCloseTo(0.715, 2);
  });

  it('falls by more than the share that was not valid', () => {
    const bad = (valid: number) => creditOf(PAID, 32, [{ window: 1, audited: 72, valid }], 6) / 1e6;
    expect(bad(71)).toBeLessThan(71 / 72);
    expect(bad(36)).toBeLessThan(1 / 2);
    expect(bad(0)).toBe(0);
    for (let valid = 0; valid < 72; valid++) expect(bad(valid)).toBeLessThan(bad(valid + 1));
  });

  it('is not above all of it for a miner audited more, and nothing for one never audited', () => {
    expect(creditOf(PAID, 32, counts(12, 64), 6)).toBe(1_000_000);
    expect(creditOf(PAID, 32, [{ window: 1, audited: 0, valid: 0 }], 6)).toBe(0);
  });

  it('is in proportion below 32 groups, and the same beyond', () => {
    expect(creditOf(PAID, 8, counts(12), 6)).toBe(250_000);
    expect(creditOf(PAID, 400, counts(12), 6)).toBe(1_000_000);
  });

  it('pools twelve windows, its own among them and none later', () => {
    const history = counts(30);
    const kept = pooled(history, { window: 20, audited: 6, valid: 1 });
    expect(kept.map(({ window }) => window)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(kept.at(-1)).toEqual({ window: 20, audited: 6, valid: 1 });
    expect(kept).toHaveLength(WINDOWS);
  });
});

describe('what is vested', () => {
  const ledger = Array.from({ length: 40 }, (_, window) => ({ window, creditMillis: 12_000 }));

  it('is the mean of twelve windows, missing ones counting nothing', () => {
    expect(vestedMillis(ledger, 20)).toBe(12_000);
    expect(vestedMillis(ledger, 0)).toBe(1000);
    expect(vestedMillis(ledger, 45)).toBe(6000);
    expect(vestedMillis([], 3)).toBe(0);
  });

  it('is nothing from the first fault of a conviction on', () => {
    const conviction = { window: 22, since: 20 };
    expect(vestedMillis(ledger, 19, conviction)).toBe(12_000);
    expect(vestedMillis(ledger, 20, conviction)).toBe(0);
    expect(vestedMillis(ledger, 39, conviction)).toBe(0);
  });

  it('holds back five and a half windows of steady pay', () => {
    let owed = 0;
    for (let window = 39; window > 28; window--) owed += (12_000 * (window - 28)) / 12;
    let paidAfter = 0;
    for (let later = 40; later < 60; later++) paidAfter += vestedMillis(ledger, later);
    expect(paidAfter / 12_000).toBe(5.5);
    expect(owed / 12_000).toBe(5.5);
  });
});
