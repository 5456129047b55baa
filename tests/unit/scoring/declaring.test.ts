import { describe, expect, test } from 'vitest';
import { type Credit, RESOURCES } from '../../../src/model/credit.js';
import { PRICES, SIMULATED_PRICES, worthBy } from '../../../src/scoring/prices.js';
import { computeAs, hostMemoryAs, memoryAs } from '../../../src/testing/declared.js';
import { HOSTS } from '../../../src/testing/liars/host-memory-model.js';
import { DEVICES } from '../../../src/verification/classes.js';
import { COMPUTE_PARAMS, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import {
  HOST_MEMORY_PARAMS,
  hostMemoryParamsByClass,
} from '../../../src/verification/kinds/host-memory/params.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { MEMORY_PARAMS, memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';
import fc from '../../support/properties.js';

const SLOTS = Array.from({ length: 32 }, (_, i) => i + 1);
const real = <P extends { readonly localnetOnly: boolean }>(sets: readonly P[]): P[] =>
  sets.filter(({ localnetOnly }) => !localnetOnly);
const paid = worthBy(PRICES);

/** The most that any number of slots of any of `sets` pays, over what one slot of its own class pays. */
const gainOf = <P>(own: P, sets: readonly P[], as: (params: P, slots: number) => Credit): number =>
  Math.max(...sets.flatMap((params) => SLOTS.map((slots) => slots * paid(as(params, slots))))) /
  paid(as(own, 1));

describe('a device that declares itself under another class, or as several', () => {
  test.each(DEVICES)('$class: products', (card) => {
    const gain = gainOf(paramsByClass(card.class)!, real(COMPUTE_PARAMS), (params, slots) =>
      computeAs(card, params, slots),
    );
    // at a larger side of labels less of its time is hashing: docs/scoring.md
    expect(gain).toBeLessThan(1.11);
  });

  test.each(DEVICES)('$class: memory', (card) => {
    const gain = gainOf(memoryParamsByClass(card.class)!, real(MEMORY_PARAMS), (params, slots) =>
      memoryAs(card, params, slots),
    );
    expect(gain).toBeLessThan(1.04);
  });

  test.each([
    ['desktop', 'host-8'],
    ['server', 'host-64'],
    ['large', 'host-512'],
  ] as const)('a %s: host memory', (name, own) => {
    const gain = gainOf(hostMemoryParamsByClass(own)!, real(HOST_MEMORY_PARAMS), (params, slots) =>
      hostMemoryAs(HOSTS[name], params, slots),
    );
    expect(gain).toBeLessThanOrEqual(1);
  });
});

describe('prices', () => {
  test('are linear: amounts that are split pay what they paid together', () => {
    const amounts = fc.dictionary(fc.constantFrom(...RESOURCES), fc.maxSafeNat());
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 64 }), (credit, slots) => {
        const part = Object.fromEntries(
          Object.entries(credit).map(([name, amount]) => [name, amount / slots]),
        );
        expect(Math.abs(slots * paid(part) - paid(credit))).toBeLessThanOrEqual(1e-12 * paid(credit));
      }),
    );
  });

  test('count every resource that a class expects, and for simulated devices one thing about one', () => {
    for (const { kind, table, facts } of Object.values(kinds).map((each) => each!))
      for (const params of table.values()) {
        const { nominal, localnetOnly } = facts(params);
        const prices = localnetOnly ? SIMULATED_PRICES : PRICES;
        for (const name of Object.keys(nominal)) expect(prices).toHaveProperty(name);
        if (!localnetOnly || kind === 'liveness') continue;
        const things = kind === 'memory' ? 2 : 1;
        expect(Math.abs(worthBy(prices)(nominal) / things - 1)).toBeLessThan(0.05);
      }
  });
});
