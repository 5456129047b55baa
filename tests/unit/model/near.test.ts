import { expect, it } from 'vitest';
import { isNear } from '../../../src/model/near.js';

it.each([
  ['warm_up', 'warmup'],
  ['raoEmission', 'rao_emission'],
  ['cabal', 'cabal-51'],
  ['sybil-detceted', 'sybil-detected'],
])('takes %s for a slip of %s', (got, name) => {
  expect(isNear(got, name)).toBe(true);
});

it.each([
  ['description', 'steps'],
  ['note', 'n'],
  ['id', 'initial'],
  ['', 'warmup'],
])('does not take %s for a slip of %s', (got, name) => {
  expect(isNear(got, name)).toBe(false);
});
