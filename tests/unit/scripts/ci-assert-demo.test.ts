import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, ROOT, scratchProject } from './scratch.js';

const miner = (behaviour: string, reasons: Record<string, number>, alphaEarned = '0', accepted = 0) => ({
  behaviour,
  checks: accepted + Object.values(reasons).reduce((sum, count) => sum + count, 0),
  accepted,
  reasons,
  alphaEarned,
});
const GOOD = {
  miners: [
    miner('honest-large', { window: 1 }, '1000', 20),
    miner('fabricates-rows', { projection: 11 }),
    miner('replays', { seed: 12 }),
    miner('relays', { seed: 12, window: 1 }),
    miner('silent', { window: 12 }),
    miner('invents-digests', { digest: 12 }),
    miner('invents-leaves', { path: 4 }),
  ],
  validators: [
    { uid: 1, weightsOnChain: true },
    { uid: 2, weightsOnChain: true },
  ],
};
const replacing = (other: ReturnType<typeof miner>) => ({
  ...GOOD,
  miners: GOOD.miners.map((each) => (each.behaviour === other.behaviour ? other : each)),
});
const judge = (document: unknown, exit = '0', log = '') => {
  const root = scratchProject({
    'demo.json': typeof document === 'string' ? document : JSON.stringify(document),
    'demo.log': log,
  });
  return node(
    join(ROOT, 'scripts/ci-assert-demo.mjs'),
    join(root, 'demo.json'),
    join(root, 'demo.log'),
    exit,
  );
};

describe('the demo in CI', () => {
  it('passes when liars earned nothing for the right reasons and both validators set weights', () => {
    expect(judge(GOOD)).toMatchObject({ code: 0, err: '' });
  });

  it('does not fail on a machine too busy to time proofs, and says so', () => {
    const { code, out } = judge(replacing(miner('replays', { window: 12 })), '3');
    expect(code).toBe(0);
    expect(out).toContain('too busy to time proofs');
  });

  it('tells conditions that hang on timing from those that hang on content', () => {
    const ratio =
      '  60.1 s  NOT SO: honest-large earned between 1.3 and 2.4 times honest-small (2.800 times)\n';
    expect(judge(GOOD, '1', ratio)).toMatchObject({ code: 0 });
    const content = '  60.1 s  NOT SO: the validators agree on every verdict about content (…)\n';
    expect(judge(GOOD, '1', ratio + content)).toMatchObject({ code: 1 });
  });

  it.each<[string, unknown, string]>([
    ['a liar that earned', replacing(miner('silent', { window: 12 }, '1')), 'silent earned 1 rao'],
    [
      'a liar that was accepted',
      replacing(miner('relays', { seed: 11 }, '0', 1)),
      'relays was accepted 1 times',
    ],
    [
      'memory that was made up, for another reason',
      replacing(miner('invents-digests', { path: 12 })),
      'expected digest',
    ],
    ['another reason about content', replacing(miner('replays', { seed: 11, path: 1 })), 'expected seed'],
    [
      'no reason about content',
      replacing(miner('replays', { window: 2, 'inconclusive:validator-late': 1 })),
      'replays was refused for',
    ],
    ['a miner that was never challenged', replacing(miner('replays', {})), 'replays was never challenged'],
    [
      'a walk without any session',
      { ...GOOD, miners: GOOD.miners.map((m) => ({ ...m, checks: 0 })) },
      'never challenged',
    ],
    [
      'a false verdict about honest content',
      replacing(miner('honest-large', { fold: 1 }, '9', 19)),
      'honest-large was rejected for fold',
    ],
    ['a missing liar', { ...GOOD, miners: GOOD.miners.slice(0, 3) }, '0 miners with behaviour relays'],
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

  it('fails on a crash', () => {
    expect(judge(GOOD, '2')).toMatchObject({ code: 1 });
  });
});
