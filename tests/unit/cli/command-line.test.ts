// Every command of the line, whoever added it, keeps these rules. What fails names the command and what to do.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import stringWidth from 'string-width';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { addAllRoleFlags } from '../../../src/cli/role-options.js';

interface Place {
  /** the words behind `assay` */
  readonly path: string;
  readonly command: Command;
  /** what it calls, as it stands in the source; undefined for a group */
  readonly action: string | undefined;
}

const actions = new Map<Command, string>();
const places: Place[] = [];
let program: Command;

beforeAll(async () => {
  const action = Command.prototype.action;
  vi.spyOn(Command.prototype, 'action').mockImplementation(function (this: Command, listener) {
    actions.set(this, String(listener));
    return action.call(this, listener);
  });
  program = createProgram();
  vi.restoreAllMocks();
  await addAllRoleFlags(program);
  const walk = (command: Command, path: string): void => {
    places.push({ path, command, action: actions.get(command) });
    for (const each of command.commands) walk(each, `${path} ${each.name()}`.trim());
  };
  walk(program, '');
});
afterEach(() => vi.restoreAllMocks());

const isShown = (command: Command): boolean =>
  command.parent === null ||
  (command.parent.createHelp().visibleCommands(command.parent).includes(command) && isShown(command.parent));
const shown = () => places.filter(({ command }) => isShown(command));
const called = () => shown().filter(({ action }) => action !== undefined);
const visible = (command: Command): Option[] =>
  command.options.filter(({ hidden, long }) => !hidden && long !== '--help');

function helpOf(command: Command): string {
  let text = '';
  const before = command.configureOutput();
  command.configureOutput({ ...before, writeOut: (said) => (text += said) });
  command.outputHelp();
  command.configureOutput(before);
  return text;
}

/** Names of places that a rule does not hold for, each with why: what the assertion prints. */
const broken = (of: readonly Place[], why: (place: Place) => string | undefined): string[] =>
  of.flatMap((place) => {
    const said = why(place);
    return said === undefined ? [] : [`assay ${place.path}: ${said}`];
  });

describe('every command', () => {
  test('says what it does in a phrase of its own, and so does each flag and argument', () => {
    expect(
      broken(shown(), ({ path, command }) => {
        const what = command.description();
        if (what === '') return 'has no description';
        if (path !== '' && /\.$/.test(what))
          return 'its description is a phrase and ends without a full stop';
        const silent = visible(command).filter(({ description }) => description === '');
        return silent.length > 0 ? `say what ${silent[0]!.flags} does` : undefined;
      }),
    ).toEqual([]);
  });

  test('has help that fits 80 columns, with an example of its own', () => {
    expect(
      broken(shown(), ({ path, command }) => {
        const lines = helpOf(command).split('\n');
        const wide = lines.find((line) => stringWidth(line) > 80);
        if (wide !== undefined) return `wider than 80 columns: ${wide}`;
        const words = path === '' ? 'assay ' : `assay ${path}`;
        const own = lines.some((line) => line.startsWith('  ') && line.includes(words));
        return own ? undefined : 'no example: add one with addHelpText, or a line to src/cli/examples.ts';
      }),
    ).toEqual([]);
  });

  test.each([
    [['help', 'minr'], "error: unknown command 'minr' [unknown-command]\n(Did you mean miner?)\n"],
    [
      ['miner', 'help', 'docter'],
      "error: unknown command 'docter' [unknown-command]\n(Did you mean doctor?)\n",
    ],
    [['help', 'nothing-like-it'], "error: unknown command 'nothing-like-it' [unknown-command]\n"],
  ])('that there is not has no help: %o', async (words, said) => {
    const fresh = createProgram();
    let err = '';
    for (const each of [fresh, ...fresh.commands]) {
      each.exitOverride((error) => {
        throw error;
      });
      const before = each.configureOutput();
      each.configureOutput({
        ...before,
        writeErr: (text) => (err += text),
        writeOut: (text) => (err += text),
      });
    }
    await expect(fresh.parseAsync(['node', 'assay', ...words])).rejects.toMatchObject({
      code: 'commander.unknownCommand',
    });
    expect(err).toBe(`${said}(add --help for the flags of this command)\n`);
  });

  test('refuses a flag that it does not know, and does nothing', async () => {
    const silent: string[] = [];
    for (const { path, command } of called()) {
      const fresh = createProgram();
      const exits: string[] = [];
      const found = path
        .split(' ')
        .reduce((at, name) => at.commands.find((each) => each.name() === name)!, fresh);
      for (const each of [found, ...ancestorsOf(found)]) {
        each.exitOverride((error) => {
          exits.push(error.code);
          throw error;
        });
        each.configureOutput({ writeErr: () => {}, writeOut: () => {} });
      }
      let ran = false;
      found.action(() => {
        ran = true;
      });
      const required = command.options.filter(({ mandatory }) => mandatory);
      const words = [
        ...command.registeredArguments.map(() => '1'),
        ...required.flatMap(({ long, argChoices }) => [long!, argChoices?.[0] ?? '1']),
      ];
      await fresh
        .parseAsync(['node', 'assay', ...path.split(' '), ...words, '--no-such-flag'])
        .catch(() => {});
      if (ran || !exits.includes('commander.unknownOption')) silent.push(path);
    }
    expect(silent).toEqual([]);
  });
});

const ancestorsOf = (command: Command): Command[] =>
  command.parent === null ? [] : [command.parent, ...ancestorsOf(command.parent)];

/** Commands without --json, and why they need none. */
const NO_JSON: Readonly<Record<string, string>> = {
  completion: 'a script for a shell',
  'scoring schema': 'it is JSON',
};
/** Until Ctrl-C: their log is JSON lines, their state is asked for by other commands. */
const ROLES = [
  'validator start',
  'validator worker',
  'miner start',
  'miner host',
  'rollouts mine',
  'rollouts validate',
];

describe('--json', () => {
  test('is beside everything that is printed for people', () => {
    expect(
      broken(called(), ({ path, command }) => {
        if (path in NO_JSON || ROLES.includes(path)) return undefined;
        return command.options.some(({ long }) => long === '--json')
          ? undefined
          : 'add --json (docs/json.md), or a line to NO_JSON of this test that says why it needs none';
      }),
    ).toEqual([]);
  });

  test('says in its help whether it is one document or a line for each thing', () => {
    const forms = /one JSON (document|object a line|document each time|line a)|one JSON/;
    expect(
      broken(called(), ({ command }) => {
        const json = command.options.find(({ long, hidden }) => long === '--json' && !hidden);
        return json === undefined || forms.test(json.description) || /JSON/.test(json.description)
          ? undefined
          : `say what --json gives, got: ${json.description}`;
      }),
    ).toEqual([]);
  });

  test('is there wherever a command makes a table', () => {
    expect(
      broken(called(), ({ command, action }) => {
        const file = /import\(['"](\.\/commands\/[^'"]+)['"]\)/.exec(action!)?.[1];
        if (file === undefined) return undefined;
        const source = readFileSync(join('src/cli', file.replace(/\.js$/, '.ts')), 'utf8');
        const hasTable = /new Table\(|Table\(/.test(source);
        return !hasTable ||
          command.options.some(({ long }) => long === '--json') ||
          /printSchema/.test(action!)
          ? undefined
          : `${file} prints a table: what a terminal cuts must be whole somewhere`;
      }),
    ).toEqual([]);
  });
});

/** Flags whose values differ from command to command, and why that is no slip. */
const SEVERAL: Readonly<Record<string, string>> = {
  '--at': 'a block of the chain; tokens of a schedule',
  '--check': 'a signed file; that results are compared',
  '--class': 'one class, or several at once',
  '--from': 'where something begins, or is taken from',
  '--host': 'an address to bind; that the host is looked at',
  '--hotkey': 'a name or a file where it signs, an address where it is looked at',
  '--key': 'a file; which key of a wallet',
  '--kind': 'one kind, or several at once',
  '--miner': 'a hotkey, several, or where a host dials; an engine',
  '--model': 'a folder; what a manifest calls it',
  '--name': 'of a folder and a package; any text on the chain',
  '--network': 'nodes of a chain; the one localnet that is steered',
  '--owner': "whose place is taken; that the owner's page is shown",
  '--params': 'one parameter file, or several to hand out',
  '--policy': 'a file or a name; files to hand out',
  '--proofs': 'that proofs are run; a folder for those of wrong tokens',
  '--redis': 'that the demo has one; where it is',
  '--rollouts': 'that the demo is of them; how many',
  '--sudo': 'who is root; that it is done as root',
  '--subnet': "a file of rollouts; that the subnet's side is looked at",
  '--tolerance': 'per cent of a price; of a search',
  '--vary': 'a path; with its values',
  '--weights': 'a row; how those of a model came to be',
  '--worker': 'one tag, or several at once',
};

describe('a flag', () => {
  test('takes the same kind of value wherever it stands', () => {
    const forms = new Map<string, Map<string, string>>();
    for (const { path, command } of called())
      for (const { long, flags } of visible(command)) {
        const value = /[<[].*/.exec(flags)?.[0] ?? '';
        const known = forms.get(long!) ?? new Map<string, string>();
        if (!known.has(value)) known.set(value, path);
        forms.set(long!, known);
      }
    const different = [...forms]
      .filter(([long, values]) => values.size > 1 && !(long in SEVERAL))
      .map(
        ([long, values]) =>
          `${long}: ${[...values].map(([value, path]) => `${value || 'no value'} (${path})`).join(', ')}`,
      );
    expect(different).toEqual([]);
    const single = Object.keys(SEVERAL).filter((long) => (forms.get(long)?.size ?? 0) < 2);
    expect(single, 'no exception any more: take it out of SEVERAL').toEqual([]);
  });

  test('is spelt in small letters with dashes', () => {
    expect(
      broken(shown(), ({ command }) => {
        const odd = visible(command).find(({ long }) => !/^--[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(long ?? ''));
        return odd === undefined ? undefined : `${odd.flags}`;
      }),
    ).toEqual([]);
  });
});
