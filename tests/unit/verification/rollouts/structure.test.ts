import { describe, expect, it } from 'vitest';
import { BYTE_VOCABULARY } from '../../../../src/inference/spec/byte-ids.js';
import { sha256 } from '../../../../src/model/hash.js';
import { decodeFile, encodeFile } from '../../../../src/verification/rollouts/file.js';
import { treeOf } from '../../../../src/verification/rollouts/record.js';
import type { Manifest, Rollout } from '../../../../src/verification/rollouts/rollout.js';
import { tokensWrong } from '../../../../src/verification/rollouts/stop.js';
import { checkCounts, checkStructure } from '../../../../src/verification/rollouts/structure.js';
import { BYTE_POLICY, digestOf, rolloutsOf, uniform, WINDOW } from '../../../support/rollout-files.js';

const random = uniform('structure');
const letters = () => Math.floor(random() * 256);

const manifestOf = (
  rollouts: readonly Rollout[],
  groups: number,
  forfeits: readonly number[] = [],
): Manifest => ({
  version: 1,
  genesis: WINDOW.genesis,
  netuid: WINDOW.netuid,
  window: WINDOW.window,
  hotkey: digestOf('hotkey'),
  checkpointDigest: WINDOW.checkpointDigest,
  policyDigest: WINDOW.policyDigest,
  profileDigest: digestOf('profile'),
  groups,
  forfeits,
  rollouts: rollouts.length,
  tokens: rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
  fileBytes: 1,
  fileSha256: digestOf('file'),
  merkleRoot: treeOf(rollouts, rollouts.length).root,
});
const fileOf = (rollouts: readonly Rollout[]) => {
  const bytes = encodeFile(rollouts);
  const { tokens } = manifestOf(rollouts, 1);
  const expected = { rollouts: rollouts.length, tokens, fileBytes: bytes.length, maxTokens: 96 };
  const file = decodeFile(bytes, { ...expected, fileSha256: sha256(bytes) });
  if (file.kind === 'refused') throw new Error(file.reason);
  return file.value;
};
const check = (
  rollouts: readonly Rollout[],
  groups: number,
  forfeits: readonly number[] = [],
  root = rollouts,
) => {
  const manifest = { ...manifestOf(rollouts, groups, forfeits), merkleRoot: treeOf(root, root.length).root };
  return checkStructure(fileOf(rollouts), manifest, BYTE_POLICY, BYTE_VOCABULARY);
};
const reasonOf = (...given: Parameters<typeof check>) => {
  const result = check(...given);
  return result.kind === 'refused' ? result.reason : 'ok';
};

describe('the counts of a manifest', () => {
  const rollouts = rolloutsOf(BYTE_POLICY, 50, random, letters, [20]);
  const good = manifestOf(rollouts, 50, [20]);
  const reason = (change: Partial<Manifest>, quota = 200) => {
    const result = checkCounts({ ...good, ...change }, BYTE_POLICY, quota);
    return result.kind === 'refused' ? result.reason : 'ok';
  };

  it('fit together: whole groups, at most one in fifty given up, no more tokens than the maximum for each', () => {
    expect(reason({})).toBe('ok');
    expect(reason({ forfeits: [20, 21] })).toBe('too-many-forfeits');
    expect(reason({ groups: 49 })).toBe('too-many-forfeits');
    expect(reason({ groups: 51 })).toBe('manifest-counts');
    expect(reason({ rollouts: 195 })).toBe('manifest-counts');
    expect(reason({ tokens: 196 * 96 })).toBe('ok');
    expect(reason({ tokens: 196 * 96 + 1 })).toBe('manifest-counts');
    expect(reason({ groups: 0, forfeits: [], rollouts: 0, tokens: 0 })).toBe('manifest-counts');
  });

  it('are within what a miner may hand in', () => {
    expect(reason({}, 196)).toBe('ok');
    expect(reason({}, 195)).toBe('over-quota');
    expect(reason({ tokens: 2 ** 25 + 1 })).toBe('over-quota');
    expect(reason({ fileBytes: 2 ** 26 })).toBe('ok');
    expect(reason({ fileBytes: 2 ** 26 + 1 })).toBe('over-quota');
    expect(reason({ rollouts: 2 ** 20 + 1 }, 2 ** 30)).toBe('over-quota');
  });
});

describe('the groups of a file', () => {
  const rollouts = rolloutsOf(BYTE_POLICY, 5, random, letters, [0, 3]);

  it('are those of the manifest without the ones given up, each whole and in order', () => {
    const result = check(rollouts, 5, [0, 3]);
    if (result.kind === 'refused') throw new Error(result.reason);
    expect(result.value.invalid.size).toBe(0);
    expect(result.value.tree.root).toEqual(treeOf(rollouts, rollouts.length).root);
    expect(reasonOf(rolloutsOf(BYTE_POLICY, 3, random, letters, [2]), 3, [2])).toBe('ok');
  });

  it('are refused by the name of what is wrong with them', () => {
    const whole = rolloutsOf(BYTE_POLICY, 4, random, letters);
    expect(reasonOf(whole, 4)).toBe('ok');
    expect(reasonOf(whole, 5)).toBe('group-missing');
    expect(reasonOf(whole, 3)).toBe('group-beyond');
    expect(reasonOf(whole, 4, [2])).toBe('group-forfeited');
    expect(
      reasonOf(
        whole.filter(({ group }) => group !== 1),
        4,
      ),
    ).toBe('group-missing');
    expect(reasonOf(whole.slice(4), 4)).toBe('group-missing');
    expect(reasonOf(whole.slice(0, -1), 4)).toBe('group-incomplete');
    expect(reasonOf(whole.slice(1), 4)).toBe('group-incomplete');
    expect(reasonOf([...whole.slice(0, 6), ...whole.slice(7)], 4)).toBe('group-incomplete');
    expect(reasonOf([...whole.slice(0, 7), ...whole.slice(8)], 4)).toBe('group-incomplete');
    const twice = [...whole.slice(0, 3), whole[2]!, ...whole.slice(3)];
    expect(reasonOf(twice, 4)).toBe('rollout-order');
    const turned = [whole[1]!, whole[0]!, ...whole.slice(2)];
    expect(reasonOf(turned, 4)).toBe('group-incomplete');
    expect(reasonOf([...whole.slice(0, 2), whole[3]!, whole[2]!, ...whole.slice(4)], 4)).toBe(
      'group-incomplete',
    );
    const fifth = { ...whole[0]!, index: 4 };
    expect(reasonOf([...whole.slice(0, 4), fifth, ...whole.slice(4)], 4)).toBe('group-incomplete');
  });

  it('are refused when one token is not that of the root', () => {
    const other = rollouts.map((rollout, i) =>
      i === 6
        ? { ...rollout, tokens: rollout.tokens.map((token, at) => (at === 0 ? (token + 1) % 256 : token)) }
        : rollout,
    );
    expect(reasonOf(rollouts, 5, [0, 3], other)).toBe('merkle-root');
  });

  it('stand when single rollouts are invalid, which are named by their places', () => {
    const wrong = rollouts.map((rollout, i) => {
      if (i === 2) return { ...rollout, tokens: Uint32Array.of(65, 258, 256), stop: 'eos' as const };
      if (i === 9) return { ...rollout, tokens: Uint32Array.of(256, 65, 256), stop: 'eos' as const };
      return rollout;
    });
    const result = check(wrong, 5, [0, 3]);
    if (result.kind === 'refused') throw new Error(result.reason);
    expect([...result.value.invalid]).toEqual([
      [2, 'outside-vocabulary'],
      [9, 'stop-inside'],
    ]);
    expect([...result.value.broken]).toEqual([1, 4]);
  });
});

describe('the end of a rollout', () => {
  const policy = { maxTokens: 4, stopIds: [2, 256] };
  const table: [name: string, stop: Rollout['stop'], tokens: number[], reason: string | undefined][] = [
    ['a stop id at the end', 'eos', [65, 66, 256], undefined],
    ['another stop id at the end', 'eos', [65, 66, 2], undefined],
    ['a stop id alone', 'eos', [256], undefined],
    ['a stop id at the very maximum', 'eos', [65, 66, 67, 256], undefined],
    ['the maximum without a stop id', 'cap', [65, 66, 67, 68], undefined],
    ['a stop id inside', 'eos', [65, 256, 66, 2], 'stop-inside'],
    ['two stop ids', 'eos', [65, 256, 256], 'stop-inside'],
    ['another stop id inside', 'eos', [65, 2, 256], 'stop-inside'],
    ['a stop id inside of the maximum', 'cap', [256, 66, 67, 68], 'stop-inside'],
    ['no stop id at the end', 'eos', [65, 66], 'eos-without-stop'],
    ['no stop id at the maximum', 'eos', [65, 66, 67, 68], 'eos-without-stop'],
    ['cut before the maximum', 'cap', [65, 66, 67], 'cap-short'],
    ['cut before the maximum, with a stop id', 'cap', [65, 66, 256], 'cap-short'],
    ['cut with a stop id on the last place', 'cap', [65, 66, 67, 256], 'cap-with-stop'],
    ['no token', 'eos', [], 'no-tokens'],
    ['no token, cut', 'cap', [], 'no-tokens'],
    ['the first id that the model has not', 'eos', [258, 256], 'outside-vocabulary'],
    ['the last id that it has', 'eos', [257, 256], undefined],
  ];
  it.each(table)('%s, said to be %s: %j is %s', (_, stop, tokens, reason) => {
    const rollout = { group: 0, index: 0, stop, tokens: Uint32Array.from(tokens) };
    expect(tokensWrong(rollout, policy, 258)).toBe(reason);
  });
});
