import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, ROOT, scratchProject } from './scratch.js';

const miner = (behaviour: string, reasons: Record<string, number>, alphaEarned = '0') => ({
  uid: 1,
  behaviour,
  reasons,
  alphaEarned,
});
const GOOD = {
  miners: [
    miner('honest-large', {}, '1000'),
    miner('fabricates-rows', { projection: 11 }),
    miner('replays', { seed: 12 }),
    miner('relays', { seed: 12, window: 1 }),
    miner('silent', { window: 12 }),
  ],
  validators: [
    { uid: 1, weightsOnChain: true },
    { uid: 2, weightsOnChain: true },
  ],
};
const judge = (document: unknown, exit = '0') => {
  const root = scratchProject({
    'demo.json': typeof document === 'string' ? document : JSON.stringify(document),
  });
  return node(join(ROOT, 'scripts/ci-assert-demo.mjs'), join(root, 'demo.json'), exit);
};

describe('the demo in CI', () => {
  it('passes when liars earned nothing for the right reasons and both validators set weights', () => {
    expect(judge(GOOD)).toMatchObject({ code: 0, err: '' });
  });

  it('does not fail on a machine too busy to time proofs, and says so', () => {
    const { code, out } = judge(GOOD, '3');
    expect(code).toBe(0);
    expect(out).toContain('too busy to time proofs');
  });

  it.each<[string, unknown, string]>([
    [
      'a liar that earned',
      { ...GOOD, miners: [...GOOD.miners, miner('silent', {}, '1')] },
      'silent (uid 1) earned 1 rao',
    ],
    [
      'another reason than content',
      { ...GOOD, miners: [...GOOD.miners, miner('replays', { window: 12 })] },
      "replays (uid 1) was never refused for 'seed'",
    ],
    ['a missing liar', { ...GOOD, miners: GOOD.miners.slice(0, 3) }, 'no miner with behaviour relays'],
    [
      'weights that are not on the chain',
      { ...GOOD, validators: [GOOD.validators[0], { uid: 2, weightsOnChain: false }] },
      'validator uid 2 has no weights on the chain',
    ],
    ['one validator only', { ...GOOD, validators: [GOOD.validators[0]] }, '1 validators, expected 2'],
    ['no document', 'Error: port in use', 'no JSON document'],
  ])('fails on %s', (_what, document, message) => {
    const { code, out } = judge(document);
    expect(code).toBe(1);
    expect(out).toContain(message);
  });

  it('fails on any other exit code', () => {
    expect(judge(GOOD, '1')).toMatchObject({ code: 1 });
  });
});
