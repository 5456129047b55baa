// Every page: what `npm run check docs` asks of it, and the command lines that it shows are ones that the program has.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { type ConfigRole, ROLES } from '../../../src/cli/config.js';
import { addKeyFlags } from '../../../src/cli/config-keys.js';
import { createProgram } from '../../../src/cli/program.js';

interface Parts {
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
  readonly spans: readonly { readonly text: string }[];
}
const script = (name: string) => import(new URL(`../../../scripts/${name}`, import.meta.url).href);
const { partsOf, readPages, readSources } = (await script('docs-pages.mjs')) as {
  partsOf(text: string): Parts;
  readPages(): Map<string, string>;
  readSources(): string[];
};
const { faultsOf } = (await script('docs-check.mjs')) as {
  faultsOf(
    pages: ReadonlyMap<string, string>,
    exists: (path: string) => boolean,
    sources: readonly string[],
  ): string[];
};
const texts = readPages();

/** Flags of these are made of the keys of their configuration when they are called. */
const ROLE_COMMANDS: readonly (readonly [string, string, ConfigRole])[] = [
  ['validator', 'start', 'validator'],
  ['validator', 'worker', 'validator-worker'],
  ['miner', 'start', 'miner'],
  ['miner', 'host', 'miner-host'],
  ['rollouts', 'validate', 'rollouts-validator'],
  ['rollouts', 'mine', 'rollouts-miner'],
];
function wholeProgram(): Command {
  const program = createProgram();
  const named = (parent: Command, name: string) => parent.commands.find((each) => each.name() === name)!;
  for (const [group, name, role] of ROLE_COMMANDS)
    addKeyFlags(named(named(program, group), name), ROLES[role]);
  return program;
}
const program = wholeProgram();

/** Lines of blocks and words of sentences that begin with the program, without what a shell makes of the rest of the line. */
function commandLines(text: string): string[] {
  const { blocks, spans } = partsOf(text);
  const shown = blocks.filter(({ language }) => language === 'sh' || language === '');
  const lines = shown.flatMap((block) => block.text.replaceAll('\\\n', ' ').split('\n'));
  return [...lines, ...spans.map((span) => span.text)].flatMap((line) =>
    line
      .split(/(?:\s#\s|\s&&\s|;\s|\s\|\s|\s>)/)
      .map((part) => part.trim().replace(/^\$ /, ''))
      .flatMap((part) => /^(?:assay|node dist\/cli\/main\.js) +(.+)$/.exec(part)?.[1] ?? []),
  );
}

const longest = /^(--?[a-z][a-z0-9-]*)/;

/** @returns what the program does not have, or undefined; values are anybody's */
function unknownIn(line: string): string | undefined {
  const words = line
    .replace(/'[^']*'|"[^"]*"/g, 'text')
    .replaceAll(/[[\](),]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '' && !/^[…<]|^\.\.\.$/.test(word));
  let command = program;
  const flags = new Set(['--help', '-h']);
  const take = (): void => {
    for (const { long, short } of command.options) {
      flags.add(long!);
      if (short) flags.add(short);
    }
  };
  take();
  let isNaming = true;
  for (const [at, word] of words.entries()) {
    if (word.startsWith('-')) {
      isNaming = false;
      const flag = longest.exec(word)?.[1];
      if (flag && !flags.has(flag)) return flag;
      continue;
    }
    if (command.commands.length === 0) continue;
    const named = word.split('|').map((name) => command.commands.find((each) => each.name() === name));
    if (named.some((each) => each === undefined)) {
      if (isNaming) return words.slice(0, at + 1).join(' ');
      continue; // the value of a flag
    }
    if (named.length > 1) return undefined; // several at once: their flags are not told apart
    command = named[0]!;
    take();
  }
  return undefined;
}

describe.each([...texts.keys()])('%s', (page) => {
  test('shows no command or flag that there is not', () => {
    const wrong = commandLines(texts.get(page)!).filter((line) => unknownIn(line) !== undefined);
    expect(wrong).toEqual([]);
  });
});

test('pages are listed, their links and the sources that they name are there, their blocks say what they are', () => {
  expect(faultsOf(texts, existsSync, readSources())).toEqual([]);
});

test('what is wrong with a page would be seen, with its line', () => {
  const pages = new Map([
    ['docs/README.md', '# All\n\n## Start\n\n- [One](one.md): first\n- [One again](one.md)\n'],
    [
      'docs/one.md',
      [
        '# One, *two* and `three`',
        '[here](#one-two-and-three) [there](gone.md) [out](../../x.md) [elsewhere](https://example.com/#x)',
        '[two](two.md#no-heading)',
        '',
        '```bash',
        'ls',
        '```',
        '',
        '```json',
        '{ "a": 1, }',
        '```',
        '',
        '<!-- not run -->',
        '```sh',
        'assay demo',
        '```',
        '',
        '    [not a link](gone.md)',
        '',
        '| a | b |',
        '|---|---|',
        '| `two.ts`, `room/two.ts`, `../room/two.ts` | `other/two.ts`, `*.ts`, `npx two.ts` |',
      ].join('\n'),
    ],
    ['docs/two.md', '# Two\n\n## Same\n\n## Same\n\n[first](#same) [second](#same-1) [third](#same-2)\n'],
  ]);
  expect(faultsOf(pages, (path) => pages.has(path), ['src/room/two.ts'])).toEqual([
    'docs/one.md:2: nothing at gone.md',
    'docs/one.md:2: ../../x.md leads out of the repository',
    'docs/one.md:2: docs/two.md has no heading #no-heading',
    'docs/one.md:22: there is no source other/two.ts',
    'docs/one.md:5: a block of "bash": one of sh, ts, js, json, yaml, text, or none',
    'docs/one.md:9: this is no JSON',
    'docs/one.md:14: "not run": expected "not run: WHY" or "needs: WHAT"',
    'docs/two.md:7: docs/two.md has no heading #same-2',
    'docs/one.md: listed 2 times in docs/README.md, which is the sidebar: expected once',
    'docs/two.md: listed 0 times in docs/README.md, which is the sidebar: expected once',
  ]);
});

test('a command that is gone, and a flag, would be seen', () => {
  expect(unknownIn('validator outcomes --data x --last 3')).toBeUndefined();
  expect(unknownIn('validator outcome --data x')).toBe('validator outcome');
  expect(unknownIn('validator queue --data x retry abc --queue-key f')).toBeUndefined();
  expect(unknownIn('validator queue --data x --queue-key f')).toBe('--queue-key');
  expect(unknownIn('config check|explain')).toBeUndefined();
  expect(unknownIn('config check|explian')).toBe('config check|explian');
  expect(
    commandLines('```sh\nassay a \\\n  --b # c\nx && node dist/cli/main.js d | e\n```\n`assay f`'),
  ).toEqual(['a    --b', 'd', 'f']);
});
