import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../../src/model/shell-word.js';

test('a word comes out of a shell as it went in', () => {
  const words = [
    'plain',
    'owner.burnShare=0.4',
    'two words',
    "it's",
    '$HOME',
    '`id`',
    '*',
    '',
    'a\nb',
    '--flag',
  ];
  const said = execFileSync('sh', [
    '-c',
    `for word in ${words.map(shellWord).join(' ')}; do printf '%s|' "$word"; done`,
  ]);
  expect(said.toString()).toBe(words.map((word) => `${word}|`).join(''));
  expect(shellWord('./data/validator-a')).toBe('./data/validator-a');
});
