import { describe, expect, test } from 'vitest';
import { classAdvice, lowFix } from '../../../src/cli/commands/miner-doctor.js';
import { DERIVED } from '../../../src/verification/classes.js';

const nominal = (name: string) => DERIVED.find((each) => each.class === name)!.nominal;

describe('what doctor says of a card', () => {
  test.each([
    ['l40s', nominal('l40s'), /^what l40s is expected to$/],
    ['rtx-3090', nominal('l40s'), /^what l40s is expected to: claim that$/],
    ['l40s', nominal('rtx-3090'), /^what rtx-3090 is expected to: claim that$/],
    [
      'rtx-3090',
      { opsPerS: 1e12, deviceBytes: 1e9, deviceBytesPerS: 1e9 },
      /^less than any class .*: rtx-3090 pays /,
    ],
    ['gpu-8192', { opsPerS: 1e14 }, /^products alone give no class/],
    ['cpu-2048', { opsPerS: 1e11 }, undefined],
    ['host-64', { hostBytes: 1e9 }, undefined],
  ])('claimed as %s', (claimed, credit, said) => {
    if (said) expect(classAdvice(claimed, credit)).toMatch(said);
    else expect(classAdvice(claimed, credit)).toBeUndefined();
  });
});

describe('what doctor says of a share', () => {
  test('is what to do where it is low, and nothing of what counts one or earns nothing', () => {
    const counts = { hostBytes: 1e9 };
    expect(lowFix(0, counts)).toMatch(/^proven, and worth nothing: /);
    expect(lowFix(0.49, counts)).toMatch(/^less than half of what counts one: end what else runs here/);
    expect(lowFix(0.5, counts)).toBeUndefined();
    expect(lowFix(0, {})).toBeUndefined();
  });
});
