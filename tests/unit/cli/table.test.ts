import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { Table, terminalWidth } from '../../../src/cli/table.js';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const widest = (text: string) => Math.max(...text.split('\n').map((line) => stringWidth(line)));
const tableOf = (head: readonly string[], ...rows: readonly (readonly (string | number)[])[]) => {
  const table = new Table({ head });
  table.push(...rows);
  return table;
};

describe('where output is piped', () => {
  test('nothing is wrapped and nothing cut', () => {
    expect(terminalWidth({ columns: 40 })).toBe(Number.POSITIVE_INFINITY);
    const text = tableOf(['hotkey', 'why'], [ALICE, 'late '.repeat(40).trim()]).toString(
      Number.POSITIVE_INFINITY,
    );
    expect(text).toContain(ALICE);
    expect(text.split('\n')).toHaveLength(5);
  });
});

describe('in a terminal', () => {
  test('a table has as many rows as a ledger has outcomes', () => {
    const table = new Table({ head: ['uid', 'why'] });
    for (let i = 0; i < 150_000; i++) table.push([i, 'late']);
    const lines = table.toString(80).split('\n');
    expect(lines).toHaveLength(150_002);
    expect(lines.at(-1)).toBe('149999  late');
  }, 60_000);

  test('marks that turn the order of reading are shown', () => {
    expect(tableOf(['name'], ['a\u061cb\u202ec']).toString(80)).toContain('a\uFFFDb\uFFFDc');
  });

  test('a table that fits is left as it is', () => {
    expect(tableOf(['uid', 'name'], [1, 'a']).toString(80)).toBe(
      ['┌─────┬──────┐', '│ uid │ name │', '├─────┼──────┤', '│ 1   │ a    │', '└─────┴──────┘'].join('\n'),
    );
  });

  test('an address loses its middle before a figure loses a digit', () => {
    const text = tableOf(['uid', 'hotkey', 'stake'], [4095, ALICE, '21000000.123456789']).toString(50);
    expect(widest(text)).toBe(50);
    expect(text).toContain('│ 4095 │ 5GrwvaEF5zXb2…utQY');
    expect(text).toContain('21000000.123456789');
  });

  test('sentences go on in the next line, whole', () => {
    const why = 'the opening came after its deadline and the session had ended by then';
    const text = tableOf(['slot', 'why'], [0, why]).toString(40);
    expect(widest(text)).toBeLessThanOrEqual(40);
    const words = text
      .split('\n')
      .slice(3, -1)
      .map((line) => line.split('│')[2]!.trim());
    expect(words.join(' ')).toBe(why);
  });

  test('characters that take two columns count for two', () => {
    const text = tableOf(['name', 'note'], ['矿工矿工矿工', '🧑‍🚀'], ['b', 'plain']).toString(80);
    expect(new Set(text.split('\n').map((line) => stringWidth(line)))).toEqual(new Set([24]));
    const narrow = tableOf(['name', 'note'], ['矿工'.repeat(30), 'x']).toString(30);
    expect(widest(narrow)).toBeLessThanOrEqual(30);
    expect(narrow).toContain('…');
  });

  test('the lines between columns go before anything is left out', () => {
    const text = tableOf(
      ['uid', 'hotkey', 'stake', 'permit'],
      [4, ALICE, '12.5', 'yes'],
      [11, 'b', '7', '-'],
    ).toString(38);
    expect(text).toBe(
      [
        'uid  hotkey              stake  permit',
        '───  ──────────────────  ─────  ──────',
        '4    5GrwvaEF5zXb2…utQY  12.5   yes',
        '11   b                   7      -',
      ].join('\n'),
    );
  });

  test('columns that can be spared go next, and it says which', () => {
    const table = new Table({ head: ['uid', 'hotkey', 'coldkey', 'stake'], spare: ['coldkey'] });
    table.push([1, ALICE, ALICE, '5.25']);
    const text = table.toString(36);
    expect(text).toContain('5.25');
    expect(text).not.toContain('│ coldkey');
    expect(text.split('\n').slice(-2)).toEqual(['left out here: coldkey (a wider', 'terminal, or --json)']);
    expect(table.toString(200)).toContain('coldkey');
  });

  test('what cannot fit beside one another stands below one another, with nothing lost', () => {
    const head = ['uid', 'hotkey', 'stake', 'incentive', 'dividends', 'emission'];
    const row = [1, ALICE, '1234567.123456789', '0.1234', '0.4321', '12.000000001'];
    const text = tableOf(head, row, [2, 'b', 1, 2, 3, 4]).toString(48);
    expect(text).toBe(
      [
        'uid        1',
        'hotkey     5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXC',
        '           PcNoHGKutQY',
        'stake      1234567.123456789',
        'incentive  0.1234',
        'dividends  0.4321',
        'emission   12.000000001',
        '',
        'uid        2',
        'hotkey     b',
        'stake      1',
        'incentive  2',
        'dividends  3',
        'emission   4',
      ].join('\n'),
    );
  });

  test('a terminal that does not say how wide it is has 80 columns', () => {
    expect(terminalWidth({ isTTY: true, columns: 0 })).toBe(80);
    expect(terminalWidth({ isTTY: true, columns: 132 })).toBe(132);
  });
});

test('a cell is data: what would move the cursor, colour or turn the text is shown as a sign', () => {
  const text = tableOf(['name'], ['\x1b[31mred\x07'], ['a\u202egpj.exe'], ['two\nlines']).toString(80);
  expect(text).toContain('�[31mred�');
  expect(text).toContain('a�gpj.exe');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  expect(text.split('\n')).toHaveLength(8);
});
