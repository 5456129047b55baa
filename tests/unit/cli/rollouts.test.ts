import { expect, test } from 'vitest';
import { rolloutsOptions } from '../../../src/cli/commands/demo-rollouts.js';
import { parseRolloutSubnet } from '../../../src/cli/rollout-subnet.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { equals } from '../../../src/model/bytes.js';
import {
  createRolloutWorld,
  firstMaster,
  nextMaster,
  rolloutSubnet,
} from '../../../src/testing/rollouts/world.js';

const codeOf = (work: () => unknown) => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('the demo of rollouts takes a seed, a folder and JSON, and says which flags it does not take', () => {
  expect(rolloutsOptions({ seed: 'a', json: true })).toEqual({ seed: 'a', json: true, dir: undefined });
  for (const more of [{ kill: 'validator-a@1' }, { keep: true }, { commitReveal: true }, { seed: '' }])
    expect(codeOf(() => rolloutsOptions({ seed: 'a', ...more }))).toBe('invalid-input');
});

test('a subnet of rollouts is read strictly, and its policy is bound to its environment', async () => {
  await readyKeys();
  const given = {
    ...rolloutSubnet('plain'),
    trainer: devKeypair('trainer').address,
    plan: { firstBlock: 100, everyBlocks: 30, workBlocks: 20 },
  };
  const subnet = parseRolloutSubnet(given, 'here');
  expect(equals(subnet.policy.environmentDigest, subnet.environment.digest)).toBe(true);
  expect(parseRolloutSubnet(JSON.parse(subnet.text), 'there').text).toBe(subnet.text);
  for (const wrong of [
    { ...given, version: 2 },
    { ...given, more: 1 },
    { ...given, quota: 0 },
    { ...given, trainer: 'somebody' },
    { ...given, plan: { ...given.plan, workBlocks: 31 } },
    { ...given, beacon: 'a coin' },
    { ...given, calibration: 'none' },
    { ...given, prompt: { millis: 1001, is: 'declared' } },
    { ...given, environment: { id: 'none', params: {} } },
    { ...given, policy: { ...given.policy, candidates: 1 } },
    { ...given, model: { engine: 'plain', config: { ...given.model.config, heads: 3 } } },
  ])
    expect(
      codeOf(() => parseRolloutSubnet(wrong, 'here')),
      JSON.stringify(wrong).slice(0, 80),
    ).not.toBe('none');
});

test('a seed fixes who is who and every checkpoint', () => {
  const { kinds } = createRolloutWorld('a');
  expect([...kinds.values()].sort()).toEqual(['best-of-n', 'copies', 'honest', 'honest', 'int8', 'stale']);
  expect([...createRolloutWorld('a').kinds]).toEqual([...kinds]);
  const first = firstMaster('plain', 'a');
  expect(equals(first, firstMaster('plain', 'a'))).toBe(true);
  const next = nextMaster('plain', first, '1');
  expect(next.length).toBe(first.length);
  expect(equals(next, first)).toBe(false);
  expect(equals(next, nextMaster('plain', first, '1'))).toBe(true);
  expect(equals(next, nextMaster('plain', first, '2'))).toBe(false);
});
