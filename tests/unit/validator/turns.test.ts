import { describe, expect, test } from 'vitest';
import { equals, toHex } from '../../../src/model/bytes.js';
import { turnHolders, turnOf } from '../../../src/validator/turns.js';
import { bytes32 } from '../../support/sessions.js';
import { neuron, subnet } from '../../support/subnets.js';

describe('whose round it is', () => {
  const validators = ['a', 'b', 'c'].map(bytes32);

  test('is the same for all, whatever the order in which they know one another', () => {
    for (let i = 0; i < 20; i++) {
      const id = bytes32(`event ${i}`);
      expect(toHex(turnOf(id, [...validators].reverse())!)).toBe(toHex(turnOf(id, validators)!));
    }
  });

  test('comes to each as often as to the others', () => {
    const counts = validators.map(() => 0);
    for (let i = 0; i < 3000; i++) {
      const turn = turnOf(bytes32(`event ${i}`), validators)!;
      counts[validators.findIndex((each) => equals(each, turn))]!++;
    }
    const chi2 = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeLessThan(13.8);
  });

  test('is decided between the others as before when one joins or leaves them', () => {
    const joined = [...validators, bytes32('d')];
    let changed = 0;
    for (let i = 0; i < 400; i++) {
      const id = bytes32(`event ${i}`);
      const turn = turnOf(id, joined)!;
      if (equals(turn, bytes32('d'))) changed++;
      else expect(toHex(turn)).toBe(toHex(turnOf(id, validators)!));
    }
    expect(Math.abs(changed - 100)).toBeLessThan(35); // a standard deviation of 8.7
  });

  test("is nobody's where nobody has a permit", () => {
    expect(turnOf(bytes32('event'), [])).toBeUndefined();
  });
});

describe('who takes turns', () => {
  const holder = (uid: number, lastUpdate: number) => neuron(uid, { validatorPermit: true, lastUpdate });
  /** at block 1,000, in epochs of 100 blocks */
  const at1000 = { block: 1000, lastEpochBlock: 950, nextEpochBlock: 1050, weightsRateLimit: 0 };
  const names = (...holders: ReturnType<typeof neuron>[]) => turnHolders(subnet(holders, at1000));

  test('is whoever has a permit and set weights, or registered, within three epochs', () => {
    expect(names(holder(1, 1000), holder(2, 700), holder(3, 699))).toEqual(['hotkey-1', 'hotkey-2']);
    expect(names(holder(1, 1000), neuron(2, { lastUpdate: 1000 }))).toEqual(['hotkey-1']);
  });

  test('is not the owner for its permit alone', () => {
    expect(names(holder(0, 3), holder(1, 990))).toEqual(['hotkey-1']);
  });

  test('takes into account that weights may not be set as often', () => {
    const limited = { ...at1000, weightsRateLimit: 500 };
    expect(turnHolders(subnet([holder(1, 200), holder(2, 199)], limited))).toEqual(['hotkey-1']);
  });

  test('is everybody with a permit where nobody sets weights yet', () => {
    expect(names(holder(1, 5), holder(2, 6), neuron(3))).toEqual(['hotkey-1', 'hotkey-2']);
    expect(names(neuron(3))).toEqual([]);
  });
});
