// Every page: its links lead somewhere, and the command lines that it shows are ones that the program has.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { type ConfigRole, ROLES } from '../../../src/cli/config.js';
import { addKeyFlags } from '../../../src/cli/config-keys.js';
import { createProgram } from '../../../src/cli/program.js';

const pagesIn = (folder: string, recursive: boolean): string[] =>
  readdirSync(folder, { recursive, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const PAGES = [...pagesIn('.', false), ...pagesIn('docs', true), ...pagesIn('examples', true)].sort();
const texts = new Map(PAGES.map((page) => [page, readFileSync(page, 'utf8')]));
const withoutFences = (text: string): string => text.replace(/^```.*?^```$/gms, '');

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

/** As the forges that show these pages make them of headings. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    let unique = slug;
    for (let i = 1; anchors.has(unique); i++) unique = `${slug}-${i}`;
    anchors.add(unique);
  }
  for (const [, id] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id!);
  return anchors;
}

function deadLinks(page: string): string[] {
  const links = [...withoutFences(texts.get(page)!).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(target)) return true;
    return anchor !== undefined && texts.has(target) && !anchorsOf(texts.get(target)!).has(anchor);
  });
}

/** Lines of blocks and words of sentences that begin with the program, without what a shell makes of the rest of the line. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```(?:sh|bash|console)?\n(.*?)^```$/gms)].map(([, block]) => block!);
  const lines = blocks.flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  const spans = [...withoutFences(text).matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, span]) => span!);
  return [...lines, ...spans].flatMap((line) =>
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

describe.each(PAGES)('%s', (page) => {
  test('has no link that leads nowhere', () => {
    expect(deadLinks(page)).toEqual([]);
  });

  test('shows no command or flag that there is not', () => {
    const wrong = commandLines(texts.get(page)!).filter((line) => unknownIn(line) !== undefined);
    expect(wrong).toEqual([]);
  });
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
