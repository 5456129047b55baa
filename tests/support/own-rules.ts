// Owns: a module with a scoring rule of a subnet's own, and nothing else. Does not own: what is done with it (tests of --module).
import { defineScoringRule } from '../../src/scoring/rules.js';
import { defineSubnet } from '../../src/subnet.js';

/** Whoever proved anything is paid the same. */
export const evenly = defineScoringRule({
  name: 'evenly',
  version: 2,
  paysFor: ['splitting'],
  divide: (claims) => claims.map(() => 1n),
});

export default defineSubnet({ rules: [evenly] });
