// Completion by the shells themselves: a script is loaded, and the shell asked what comes next.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionOf, type Shell } from '../../../src/cli/completion.js';
import { createProgram } from '../../../src/cli/program.js';
import { addAllRoleFlags } from '../../../src/cli/role-options.js';

let folder: string;
const scripts = new Map<Shell, string>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-completion-'));
  writeFileSync(join(folder, 'policy.json'), '{}');
  writeFileSync(join(folder, 'my policy.json'), '{}');
  const program = createProgram();
  await addAllRoleFlags(program);
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const file = join(folder, `assay.${shell}`);
    writeFileSync(file, completionOf(program, shell));
    scripts.set(shell, file);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const missing = (shell: string): string => `${shell} is not installed on this machine`;

/** Words as a person types them, the last one unfinished. */
const CASES: readonly (readonly [words: string, expected: readonly string[], never?: readonly string[]])[] = [
  ['assay chain wei', ['weights']],
  ['assay chain weights ', ['set', 'show', 'commit', 'reveal']],
  ['assay chain ', ['status', 'metagraph', 'weights'], ['commit', 'start']],
  ['assay chain metagraph --so', ['--sort']],
  ['assay chain metagraph --sort in', ['incentive']],
  ['assay --network x chain weights show --u', ['--uid'], ['--salt-file']],
  ['assay validator start --keep-', ['--keep-accepted', '--keep-evidence-epochs', '--keep-outcome-epochs']],
  ['assay wallet create --words ', ['12', '24']],
  ['assay scoring check pol', ['policy.json']],
  ['assay scoring check my', ['my policy.json']],
  ['assay verification params check --', ['--json'], ['--kind']],
  ['assay sim', [], ['simulated']],
];

function completedByBash(line: string): string[] {
  const words = line.split(' ');
  const script = [
    `source '${scripts.get('bash')}'`,
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length - 1}`,
    '_assay',
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join('\n');
  return linesOf(execFileSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' }));
}

/** Names alone: descriptions follow a tab. */
function completedByFish(line: string): string[] {
  const script = `source '${scripts.get('fish')}'; complete -C '${line}'`;
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const out = execFileSync('fish', ['--no-config', '-c', script], { cwd: folder, env, encoding: 'utf8' });
  return linesOf(out).map((each) => each.split('\t')[0]!);
}

/** What our function hands to zsh's own; theirs draw on a terminal, which is not there. */
function completedByZsh(line: string): string[] {
  const words = line.split(' ');
  const script = [
    'compdef() { : }',
    '_files() { print -l -- *(N) }',
    '_message() { : }',
    `_describe() { local name=\${@[-1]}; for each in "\${(@P)name}"; do print -r -- "\${\${each//\\\\\\\\:/#}%%:*}"; done }`,
    `compadd() { local name=\${@[-1]}; print -l -- "\${(@P)name}" }`,
    `source '${scripts.get('zsh')}'`,
    `words=(${words.map((word) => `'${word}'`).join(' ')})`,
    `CURRENT=${words.length}`,
    '_assay',
  ].join('\n');
  const out = execFileSync('zsh', ['-f', '-c', script], { cwd: folder, encoding: 'utf8' });
  return linesOf(out).filter((each) => each.startsWith(words.at(-1)!));
}

const linesOf = (out: string): string[] => out.split('\n').filter((line) => line !== '');

describe.each([
  ['bash', completedByBash],
  ['zsh', completedByZsh],
  ['fish', completedByFish],
] as const)('%s', (shell, completed) => {
  test.skipIf(!isThere(shell))(`completes commands, flags, values and files (or: ${missing(shell)})`, () => {
    const wrong = CASES.flatMap(([line, expected, never = []]) => {
      const got = completed(line);
      const lacks = expected.filter((each) => !got.includes(each));
      const has = never.filter((each) => got.includes(each));
      return lacks.length + has.length === 0 ? [] : [{ line, lacks, has, got: got.slice(0, 12) }];
    });
    expect(wrong).toEqual([]);
  });
});

test.skipIf(!isThere('bash'))('bash completes a value behind an equals sign', () => {
  const script = `source '${scripts.get('bash')}'\nCOMP_WORDS=(assay chain metagraph --sort = st)\nCOMP_CWORD=5\n_assay\necho "\${COMPREPLY[@]}"`;
  expect(execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })).toBe('stake\n');
});
