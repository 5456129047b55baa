import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig } from '../../../src/cli/commands/config.js';
import { init } from '../../../src/cli/commands/init.js';
import { loadConfig, minerSchema, validatorSchema } from '../../../src/cli/config.js';
import { type Ask, answersOf, initFlags, nameOf } from '../../../src/cli/init/answers.js';
import { assertEmpty, writeProject } from '../../../src/cli/init/folder.js';
import { projectFiles } from '../../../src/cli/init/project.js';
import { unitFor } from '../../../src/cli/init/units.js';
import { VERSION } from '../../../src/model/version.js';

const never = new AbortController().signal;
const ROOT = new URL('../../../', import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const everything = (path = folder): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(path.length + 1))
    .sort();

/** What is printed by a command that is called here, and what it ends with. */
async function called(given: Record<string, unknown>, what?: string, where = folder) {
  const written: string[] = [];
  const { write } = process.stdout;
  process.stdout.write = ((text: string) => written.push(text) > 0) as typeof write;
  try {
    const code = await init({ what, folder: where }, given, never);
    return { code, out: written.join('') };
  } finally {
    process.stdout.write = write;
  }
}

/** Answers in their order; what was asked, and what was said against them. */
function terminal(...answers: readonly string[]) {
  const left = [...answers];
  const asked: string[] = [];
  const said: string[] = [];
  const ask: Ask = async (question, preset) => {
    asked.push(preset === undefined ? question : `${question} [${preset}]`);
    const answer = left.shift();
    if (answer === undefined) throw new Error(`asked once too often: ${question}`);
    return answer;
  };
  return { ask, say: (line: string) => void said.push(line), asked, said };
}
const flags = (given: Record<string, unknown> = {}) => initFlags.parse(given);
const NOBODY = { ask: undefined, say: () => {} };

describe('what a new project is told', () => {
  it('asks for what was not said, with what holds otherwise', async () => {
    const at = terminal('miner', '', 'finney', '4', '/keys/h', '', 'compute:cpu-2048, host-memory:host-64');
    const answers = await answersOf({ what: undefined, folder: '/x/My Rig' }, flags(), at);
    expect(answers).toEqual({
      kind: 'miner',
      name: 'my-rig',
      values: {
        chain: 'finney',
        netuid: 4,
        hotkey: '/keys/h',
        data: 'data',
        host: '127.0.0.1',
        slots: ['compute:cpu-2048', 'host-memory:host-64'],
      },
    });
    expect(at.asked).toEqual([
      'what to begin (miner, validator, subnet) [subnet]',
      'name of the project [my-rig]',
      'nodes of the chain, or finney, test [ws://127.0.0.1:9944]',
      'number of the subnet [1]',
      'hotkey file (or for a localnet a URI such as //Alice)',
      'address to bind; 127.0.0.1 is reached from this host alone [127.0.0.1]',
      'slots (assay miner doctor says what this host would be credited) [compute:cpu-2048]',
    ]);
  });

  it('says why an answer will not do, and asks again', async () => {
    const at = terminal(
      'walidator',
      'validator',
      'x',
      'gopher://x',
      'finney',
      'many',
      '5000',
      '7',
      '//Alice',
    );
    const { values } = await answersOf({ what: undefined, folder: '/x' }, flags(), at);
    expect(values).toEqual({ chain: 'finney', netuid: 7, hotkey: '//Alice', data: 'data' });
    expect(at.said).toEqual([
      'what: expected one of miner, validator, subnet, got another word; did you mean validator?',
      '--chain: expected ws:// or wss:// addresses or a network, with commas between several',
      '--netuid: expected the number of a subnet in 1..4095, in digits',
      '--netuid: expected the number of a subnet in 1..4095, in digits',
    ]);
  });

  it('takes the defaults where nobody can be asked, and refuses what has none', async () => {
    const subnet = await answersOf({ what: 'subnet', folder: '/x/alpha' }, flags(), NOBODY);
    expect(subnet).toEqual({ kind: 'subnet', name: 'alpha', values: {} });
    await expect(answersOf({ what: undefined, folder: '/x' }, flags(), NOBODY)).rejects.toThrow(
      'what: expected one of miner, validator, subnet, got nothing',
    );
    await expect(answersOf({ what: 'validator', folder: '/x' }, flags(), NOBODY)).rejects.toThrow(
      '--hotkey: expected a hotkey file, or for localnets a URI such as //Alice, got nothing',
    );
  });

  it('never repeats what may be a secret, and takes none for a place', async () => {
    const phrase = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
    for (const hotkey of [phrase, 'ab'.repeat(32), `0x${'ab'.repeat(32)}`]) {
      const refused = answersOf({ what: 'miner', folder: '/x' }, flags({ hotkey }), NOBODY);
      await expect(refused).rejects.toThrow('--hotkey: expected a file, or a development URI');
      await expect(refused).rejects.not.toThrow(hotkey);
    }
  });

  it('refuses flags of another project, and names that no package may have', async () => {
    const told = (what: string, given: object) =>
      answersOf({ what, folder: '/x' }, flags({ ...given }), NOBODY);
    await expect(told('subnet', { netuid: 3 })).rejects.toThrow('--netuid: expected none');
    await expect(told('miner', { hotkey: '//A', slots: ['bogus'] })).rejects.toThrow(
      '--slots: slot: expected kind:class or kind:class@device',
    );
    await expect(told('validator', { hotkey: '//A', slots: ['x'] })).rejects.toThrow(
      '--slots: expected none',
    );
    await expect(told('validator', { hotkey: '//A', announceIp: '1.2.3.4' })).rejects.toThrow(
      '--announce-ip',
    );
    await expect(told('subnet', { name: '../up' })).rejects.toThrow('--name: expected lower-case letters');
    expect(nameOf('/x/Ünï Çode!')).toBe('n-ode-');
    expect(nameOf('/')).toBe('my-project');
  });
});

describe('the folder', () => {
  it('is refused with what is in the way, and nothing is written', async () => {
    for (const name of ['b', 'a', 'd', 'c', 'f', 'e', 'g']) writeFileSync(join(folder, name), name);
    await expect(called({ yes: true }, 'subnet')).rejects.toThrow(
      'expected an empty folder: nothing is ever replaced, got "a", "b", "c", "d", "e" and 2 more',
    );
    expect(everything()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await expect(assertEmpty(join(folder, 'a'))).rejects.toThrow('got a file');
  });

  it('may be a repository without a file, or not there yet', async () => {
    mkdirSync(join(folder, '.git'));
    await expect(assertEmpty(folder)).resolves.toBeUndefined();
    await expect(assertEmpty(join(folder, 'not', 'there'))).resolves.toBeUndefined();
  });

  it('is as it was when interrupted, or when somebody was quicker', async () => {
    const files = ['one', 'deep/er/two', 'three'].map((path) => ({ path, text: path, mode: 0o644 }));
    const stop = new AbortController();
    const reason = new Error('enough');
    const counted = files.map((file, i) => ({
      ...file,
      get text() {
        if (i === 2) stop.abort(reason);
        return file.text;
      },
    }));
    const place = join(folder, 'new');
    await expect(writeProject(place, counted, stop.signal)).rejects.toBe(reason);
    expect(readdirSync(folder)).toEqual([]);

    mkdirSync(place);
    writeFileSync(join(place, 'three'), 'theirs');
    await expect(writeProject(place, files, never)).rejects.toThrow('got one that came meanwhile');
    expect(everything(place)).toEqual(['three']);
    expect(readdirSync(place)).toEqual(['three']);
    expect(readFileSync(join(place, 'three'), 'utf8')).toBe('theirs');
  });
});

describe('a new project', () => {
  it('of a miner has a configuration with which a miner starts', async () => {
    const { code, out } = await called(
      { hotkey: '//Charlie//miner', netuid: 3, host: '127.16.0.1', name: 'rig', json: true },
      'miner',
    );
    expect(code).toBe(0);
    const written = ['.gitignore', '.npmrc', 'README.md', 'assay-miner.json', 'assay-miner.schema.json'];
    const files = [...written, 'ops/rig.service', 'package.json'];
    expect(everything()).toEqual(files);
    expect(JSON.parse(out)).toEqual({
      kind: 'miner',
      name: 'rig',
      folder,
      files,
      next: [
        expect.stringMatching(/^cd /),
        'npm install',
        'npx assay config check assay-miner.json',
        'npm start',
      ],
    });
    const config = join(folder, 'assay-miner.json');
    expect(loadConfig(minerSchema, { config }, {})).toMatchObject({
      chain: 'ws://127.0.0.1:9944',
      netuid: 3,
      hotkey: '//Charlie//miner',
      data: 'data',
      host: '127.16.0.1',
      slots: ['compute:cpu-2048'],
    });
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('/opt/rig');
  });

  it('of a validator has one with which a validator starts, and `config check` agrees', async () => {
    await called({ hotkey: '/etc/assay/hotkey', chain: 'finney', netuid: 4 }, 'validator');
    const config = join(folder, 'assay-validator.json');
    expect(loadConfig(validatorSchema, { config }, {})).toMatchObject({ chain: 'finney', netuid: 4 });
    const { write } = process.stdout;
    process.stdout.write = (() => true) as typeof write;
    try {
      expect(checkConfig(config, {})).toBe(0);
    } finally {
      process.stdout.write = write;
    }
  });

  it('of a subnet is the example of this repository, under its own name', async () => {
    await called({ name: 'alpha', yes: true }, 'subnet');
    const example = join(ROOT, 'examples/new-subnet');
    const sources = everything(example).filter((path) =>
      /^(src|test|config|tsconfig|policy\.json|open-localnet\.sh)/.test(path),
    );
    expect(sources.length).toBeGreaterThan(15);
    for (const path of sources)
      expect(readFileSync(join(folder, path), 'utf8')).toBe(readFileSync(join(example, path), 'utf8'));
    expect(everything().filter((path) => !sources.includes(path))).toEqual([
      '.gitignore',
      '.npmrc',
      'README.md',
      'ops/alpha-miner.service',
      'ops/alpha-validator.service',
      'package.json',
    ]);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).not.toContain('new-subnet');
  });

  it('depends on this version, or on the package that was named', async () => {
    const answers = { kind: 'subnet', name: 'alpha', values: {} } as const;
    const manifest = async (assay?: string) => {
      const files = await projectFiles(answers, assay);
      return JSON.parse(files.find(({ path }) => path === 'package.json')!.text);
    };
    const ours = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const made = await manifest();
    expect(made.name).toBe('alpha');
    expect(made.dependencies).toEqual({ assay: VERSION });
    expect(made.devDependencies).toEqual({
      '@types/node': ours.devDependencies['@types/node'],
      typescript: ours.devDependencies.typescript,
    });
    expect(made.engines).toEqual(ours.engines);
    expect((await manifest('file:../assay.tgz')).dependencies).toEqual({ assay: 'file:../assay.tgz' });

    const file = join(folder, 'assay-0.1.0.tgz');
    const place = join(folder, 'project');
    await expect(called({ yes: true, assay: file }, 'subnet', place)).rejects.toThrow(
      'expected a package made by npm run pack (.tgz), got none there',
    );
    writeFileSync(file, '');
    await called({ yes: true, assay: file }, 'subnet', place);
    const { dependencies } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
    expect(dependencies).toEqual({ assay: 'file:../assay-0.1.0.tgz' });
  });

  it('keeps keys and data out of its repository', async () => {
    await called({ yes: true }, 'subnet');
    const ignored = readFileSync(join(folder, '.gitignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['data/', 'keys/', 'hotkey*', 'coldkey*', '*.pem']));
  });
});

describe('its service files', () => {
  const unit = (role: string) => readFileSync(join(ROOT, `ops/systemd/assay-${role}.service`), 'utf8');

  it('are those of this package with its own program and folders', () => {
    const made = unitFor(unit('validator'), { role: 'validator', kind: 'subnet', name: 'alpha' });
    expect(made).toContain('\nDescription=alpha: validator\n');
    expect(made).toContain(
      '\nExecStart=/usr/bin/env node /opt/alpha/node_modules/assay/dist/cli/main.js validator start --config /etc/alpha/validator.json\n',
    );
    expect(made).toContain('\nLoadCredential=hotkey:/etc/alpha/keys/validator-hotkey\n');
    expect(made).toContain('\nStateDirectory=alpha/validator\n');
    expect(made).toContain('ASSAY_DATA=%S/alpha/validator');
    expect(made).toContain('\nWorkingDirectory=/opt/alpha\nExecReload=');
    expect(made).not.toMatch(/\/etc\/assay/);
    expect(made).toContain('\nProtectSystem=strict\n');
  });

  it('of a miner alone keep its folders', () => {
    const made = unitFor(unit('miner'), { role: 'miner', kind: 'miner', name: 'rig' });
    expect(made).toContain(
      '\nExecStart=/usr/bin/env node /opt/rig/node_modules/assay/dist/cli/main.js miner start --config /etc/assay/miner.json\n',
    );
    expect(made).toContain('\nExecReload=');
    expect(made).toContain('\nStateDirectory=assay/miner\n');
  });

  it('are refused where a line is gone that is to be changed', () => {
    expect(() => unitFor('# a\n[Unit]\n', { role: 'miner', kind: 'miner', name: 'rig' })).toThrow(
      'unit of a miner: expected a line ^Description=',
    );
  });
});
