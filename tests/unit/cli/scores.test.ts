import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Neuron, Subnet } from '../../../src/chain/chain.js';
import { parseScores, readScores, scoresByHotkey } from '../../../src/cli/scores.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import fc from '../../support/properties.js';

await readyKeys();
const hotkeys = ['a', 'b', 'c'].map((name) => toHotkey(devKeypair(name).address));
const subnet = {
  netuid: toNetuid(7),
  neurons: hotkeys.map((hotkey, i) => ({ uid: toUid(i), hotkey }) as Neuron), // all that is looked at
} satisfies Pick<Subnet, 'netuid' | 'neurons'>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-scores-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('scores', () => {
  test('come by uid or by hotkey, with numbers of any scale', () => {
    const scores = parseScores(`0:1, 2 : 0.25,${hotkeys[1]}:3`);
    expect([...scoresByHotkey(scores, subnet)]).toEqual([
      [hotkeys[0], 1],
      [hotkeys[2], 0.25],
      [hotkeys[1], 3],
    ]);
  });

  test.each(['', '0', '0:', ':1', '0:-1', '0:1e3', '0:1;1:2', '0:1,', 'alice:1', '0:NaN'])(
    'are no scores when written as %j',
    (text) => {
      expect(() => parseScores(text)).toThrow(/expected/);
    },
  );

  test('name nobody twice, by uid or by both names', () => {
    expect(() => parseScores('1:1,01:2')).toThrow(/each neuron once, got 1 twice/);
    const both = parseScores(`1:1,${hotkeys[1]}:2`);
    expect(() => scoresByHotkey(both, subnet)).toThrow(/each neuron once/);
  });

  test('name only neurons of the subnet', () => {
    expect(() => scoresByHotkey(parseScores('3:1'), subnet)).toThrow(
      /neurons of subnet 7, which has 3, got 3/,
    );
  });

  test('come from a file as well', async () => {
    const path = join(folder, 'scores.json');
    writeFileSync(path, JSON.stringify({ 0: 1, 2: 0.5 }));
    expect([...(await readScores(path))]).toEqual([
      ['0', 1],
      ['2', 0.5],
    ]);
  });

  test.each([['[]'], ['{}'], ['{"0":-1}'], ['{"0":"1"}'], ['{"x":1}'], ['not JSON']])(
    'a file with %s is refused by its name',
    async (text) => {
      const path = join(folder, 'scores.json');
      writeFileSync(path, text);
      await expect(readScores(path)).rejects.toThrow(path);
    },
  );

  test('no text makes the parser do anything but take it or refuse it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect([...parseScores(text).values()].every((score) => score >= 0)).toBe(true);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid-input');
        }
      }),
    );
  });
});
