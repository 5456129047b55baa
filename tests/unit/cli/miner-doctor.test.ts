import { describe, expect, test } from 'vitest';
import { fillableClass } from '../../../src/cli/doctor/classes.js';
import { lowFix } from '../../../src/cli/doctor/examine.js';
import { classAdvice, wrapped } from '../../../src/cli/doctor/report.js';
import { DERIVED } from '../../../src/verification/classes.js';
import { HOST_MEMORY_PARAMS } from '../../../src/verification/kinds/host-memory/params.js';

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

describe('what doctor prints', () => {
  test('fits its terminal: words are wrapped under one another, and none is cut', () => {
    expect(wrapped('one two three', 4, 80)).toBe('one two three');
    expect(wrapped('one two three four five', 4, 24)).toBe('one two three four\n    five');
    expect(wrapped(`a ${'x'.repeat(40)} b`, 2, 22)).toBe(`a\n  ${'x'.repeat(40)}\n  b`);
    expect(wrapped('one two', 4, Number.POSITIVE_INFINITY)).toBe('one two');
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

describe('the class of host memory', () => {
  const GIB = 2 ** 30;
  const of = (room: number, bytesPerS: number, lanes = 256) =>
    fillableClass(HOST_MEMORY_PARAMS, { room: room * GIB, bytesPerS, lanes });

  test('is one that the host fills in time, however much room there is', () => {
    // two cores at 40 MB/s fill 3.75 GiB in nine tenths of 56 s
    expect(of(20, 80e6)).toEqual({ class: 'host-8' });
    expect(of(400, 80e6)).toEqual({ class: 'host-8' });
    // 5.6 GiB are a tenth of what counts one in the next class, which begins at 4
    expect(of(400, 120e6)).toEqual({ class: 'host-8' });
    expect(of(400, 32 * 40e6)).toEqual({ class: 'host-64' });
    expect(of(30, 32 * 40e6)).toEqual({ class: 'host-64' });
    expect(of(20, 32 * 40e6)).toEqual({ class: 'host-8' });
    expect(of(400, 128 * 40e6)).toEqual({ class: 'host-512' });
  });

  test('says what becomes of a host with fewer cores than it is for', () => {
    expect(of(20, 80e6, 2)).toEqual({
      class: 'host-8',
      note: 'host-8 is for hosts of 8 cores, and takes off what so many could make again: little or nothing is left to one with 2',
    });
    expect(of(20, 80e6, 8)).toEqual({ class: 'host-8' });
  });

  test('is none without the room, or the time', () => {
    expect(of(0.5, 80e6)).toEqual({
      why: '0.5 GiB free, the smallest class begins at 1.0 GiB',
      fix: 'free 1.0 GiB or more',
    });
    expect(of(20, 10e6)).toMatchObject({ why: expect.stringMatching(/^its threads fill 0\.5 GiB in 56 s/) });
  });
});
