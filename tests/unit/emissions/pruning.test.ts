import { describe, expect, it } from 'vitest';
import { neuronToPrune, type PruneCandidate } from '../../../src/emissions/pruning.js';

const rules = { block: 1000, immunityPeriod: 100, minNonImmuneUids: 1 };
const candidate = (uid: number, emission: number, registeredAt: number): PruneCandidate => ({
  uid,
  emissionRao: BigInt(emission),
  registeredAt,
});

describe('neuronToPrune', () => {
  it('takes the lowest emission, then the oldest registration, then the lowest uid', () => {
    const three = [candidate(4, 7, 10), candidate(2, 5, 20), candidate(3, 5, 10)];
    expect(neuronToPrune(three, rules)).toBe(3);
    expect(neuronToPrune([...three, candidate(1, 5, 10)], rules)).toBe(1);
    expect(neuronToPrune([...three, candidate(9, 4, 900)], rules)).toBe(9);
  });

  it('spares the immune while enough others are there', () => {
    const others = [candidate(1, 50, 10), candidate(2, 60, 10)];
    const immune = candidate(3, 0, 901);
    expect(neuronToPrune([...others, immune], rules)).toBe(1);
    // immunity ends with the block registered + period
    expect(neuronToPrune([...others, candidate(3, 0, 900)], rules)).toBe(3);
  });

  it('turns to the immune when no more than minNonImmuneUids others are left, and to nobody without immune ones', () => {
    const others = [candidate(1, 50, 10), candidate(2, 60, 10)];
    expect(neuronToPrune([...others, candidate(3, 0, 950)], { ...rules, minNonImmuneUids: 2 })).toBe(3);
    expect(neuronToPrune(others, { ...rules, minNonImmuneUids: 2 })).toBeUndefined();
    expect(neuronToPrune([], rules)).toBeUndefined();
  });
});
