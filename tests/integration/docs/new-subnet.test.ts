// docs/guide/new-subnet.md, followed from top to bottom against the built package: the project that it makes is compiled, passes its
// own tests, and its miner is paid by its validator on a localnet. What asks a registry is linked instead; ports are the test's own.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url).pathname;
const PAGE = readFileSync(join(ROOT, 'docs/guide/new-subnet.md'), 'utf8');
const TERMINAL = 'terminal';

interface Block {
  /** `terminal`: it runs on beside the next ones */
  readonly mark: string | undefined;
  readonly commands: string;
  /** what the page says that it prints */
  readonly output: string;
}
const BLOCKS: readonly Block[] = [
  ...PAGE.matchAll(/(?:<!-- ([^\n]+) -->\n)?```sh\n(.*?)```\n(?:```\n(.*?)```)?/gs),
].map(([, mark, commands, output = '']) => ({ mark, commands: commands!, output }));

let scratch: string;
let project: string;
let cwd: string;
const ports = { chain: 0, miner: 0 };
interface Terminal {
  readonly child: ChildProcess;
  out: string;
  /** `news` with each piece of output, and at the end */
  readonly events: EventEmitter;
}
const running: Terminal[] = [];

beforeAll(async () => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { encoding: 'utf8' });
  expect(built.status, built.stderr).toBe(0);
  scratch = mkdtempSync(join(tmpdir(), 'assay-new-subnet-'));
  project = join(scratch, 'my-subnet');
  cwd = join(scratch, 'assay');
  mkdirSync(cwd);
  symlinkSync(join(ROOT, 'dist'), join(cwd, 'dist'));
  writeFileSync(join(cwd, 'assay-0.1.0.tgz'), ''); // named by the project, and not opened: see `link`
  [ports.chain, ports.miner] = await Promise.all([freePort('127.0.0.1'), freePort('127.17.0.1')]);
}, 180_000);

afterAll(async () => {
  for (const { child } of running.reverse()) await ended(child);
  rmSync(scratch, { recursive: true });
});

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** What `npm install` would put there. */
function link(): void {
  for (const [from, to] of [
    ['.', 'assay'],
    ['node_modules/typescript', 'typescript'],
    ['node_modules/@types/node', '@types/node'],
    ['dist/cli/main.js', '.bin/assay'],
    ['node_modules/typescript/bin/tsc', '.bin/tsc'],
  ] as const) {
    const place = join(project, 'node_modules', to);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, from), place);
  }
  for (const role of ['miner', 'validator']) {
    const path = join(project, `config/${role}.json`);
    const settings = JSON.parse(readFileSync(path, 'utf8'));
    const port = role === 'miner' ? { port: ports.miner } : {};
    writeFileSync(path, JSON.stringify({ ...settings, chain: url(), ...port }));
  }
}
const url = (): string => `ws://127.0.0.1:${ports.chain}`;

const onOwnPorts = (commands: string): string =>
  commands
    .replace('localnet start', `localnet start --port ${ports.chain}`)
    .replace('npm run open-localnet', `npm run open-localnet -- ${url()}`);

/** As on a machine of its own: nothing of our environment. */
const env = (): NodeJS.ProcessEnv => ({
  HOME: scratch,
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  npm_config_offline: 'true',
  npm_config_update_notifier: 'false',
});

const follow = async (commands: string): Promise<string> => {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-ec', onOwnPorts(commands)], {
    cwd,
    env: env(),
    timeout: 120_000,
  });
  return stdout;
};

/** A terminal of its own, until the end of the test. */
function open(commands: string): Terminal {
  const child = spawn('/bin/sh', ['-ec', onOwnPorts(commands)], {
    cwd,
    env: env(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const terminal: Terminal = { child, out: '', events: new EventEmitter() };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      terminal.out += text;
      terminal.events.emit('news');
    });
  child.once('close', () => terminal.events.emit('news'));
  running.push(terminal);
  return terminal;
}

/** Ctrl-C, which reaches all that the terminal began. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'close');
  process.kill(-child.pid!, 'SIGINT');
  await over;
}

/** The first line that matches, once it is there. */
async function said(terminal: Terminal, line: RegExp, withinMs: number): Promise<RegExpExecArray> {
  const signal = AbortSignal.timeout(withinMs);
  for (;;) {
    const found = line.exec(terminal.out);
    if (found) return found;
    if (signal.aborted || terminal.child.exitCode !== null)
      throw new Error(`no ${line} in:\n${terminal.out.slice(-4000)}`);
    await once(terminal.events, 'news', { signal }).catch(() => {}); // late: looked at once more
  }
}

/** The page's block that has these words. */
const blockWith = (words: string): Block => BLOCKS.find(({ commands }) => commands.includes(words))!;

test('the page has every step, and says of each that is not run why', () => {
  expect(BLOCKS.map(({ mark, commands }) => [mark, commands.trim().split('\n').at(-1)])).toEqual([
    ['not run: asks a registry', 'npm run pack'],
    [
      undefined,
      'node dist/cli/main.js init subnet ../my-subnet --name my-subnet --assay assay-0.1.0.tgz --yes',
    ],
    ['not run: asks a registry', 'npm install'],
    [undefined, 'npm test'],
    [undefined, 'npx assay scoring check policy.json --module dist/src/subnet.js'],
    [TERMINAL, 'npx assay localnet start --tempo 60'],
    [undefined, 'npm run open-localnet'],
    [TERMINAL, 'npm run miner'],
    [TERMINAL, 'npm run validator'],
    [undefined, 'npx assay validator replay --all --data data/validator --module dist/src/subnet.js'],
  ]);
});

test('init makes the project that the page shows', async () => {
  const { commands, output } = blockWith('init subnet');
  const printed = (await follow(commands)).trim().split('\n');
  const shown = output
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '...');
  expect(printed.slice(1)).toEqual(expect.arrayContaining(shown.slice(1)));
  expect(printed[0]).toBe(`my-subnet, a subnet, in ${project}:`);
  const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  expect(dependencies).toEqual({ assay: 'file:../assay/assay-0.1.0.tgz' });
});

test('it compiles, and its own tests pass', { timeout: 150_000 }, async () => {
  link();
  cwd = project;
  const { commands, output } = blockWith('npm test');
  const printed = await follow(commands);
  const [, tests] = /^# tests (\d+)$/m.exec(printed)!;
  expect(printed).toMatch(new RegExp(`^# pass ${tests}$`, 'm'));
  expect(output).toContain(`# tests ${tests}\n# pass ${tests}\n# fail 0\n`);
});

/** Lines of the page that are the same whenever it is followed. */
const shownIn = (output: string): readonly string[] =>
  output.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '...');

test('what its policy pays is said with the rule that divides it, and without the rule not at all', async () => {
  const { commands, output } = blockWith('scoring check');
  const printed = (await follow(commands)).split('\n');
  expect(printed).toEqual(expect.arrayContaining([...shownIn(output)]));
  await expect(follow(commands.replace(/ --module \S+/, ''))).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('hash-cells'),
  });
});

test('its settings are those of the command line, and name what is wrong', async () => {
  await follow('npx assay config check config/miner.json && npx assay config check config/validator.json');
  const path = join(project, 'config/miner.json');
  const settings = readFileSync(path, 'utf8');
  writeFileSync(path, settings.replace('subnet.js', 'other.js'));
  await expect(follow(blockWith('npm run miner').commands)).rejects.toMatchObject({
    stderr: expect.stringContaining(
      '--module dist/src/other.js: expected a module whose default export is made with defineSubnet of assay, got none there',
    ),
  });
  writeFileSync(path, settings);
});

test('on a localnet its validator accepts its miner and pays it by its rule', {
  timeout: 280_000,
}, async () => {
  const chain = open(blockWith('localnet start').commands);
  await said(chain, /localnet on ws:/, 30_000);

  const opening = blockWith('open-localnet');
  const opened = (await follow(opening.commands)).split('\n');
  // blocks and paths are this run's own
  const beginnings = shownIn(opening.output).map((line) => line.replace(/(\/home| in block).*$/, ''));
  expect(beginnings).toHaveLength(5);
  for (const line of beginnings) expect(opened.filter((each) => each.startsWith(line))).toHaveLength(1);

  const miner = open(blockWith('npm run miner').commands);
  await said(miner, /"msg":"miner ready"/, 60_000);
  const validator = open(blockWith('npm run validator').commands);
  await said(validator, /"msg":"validator ready"/, 60_000);
  await said(validator, /"accepted":1,"rejected":0,"inconclusive":0,.*"msg":"event judged"/, 100_000);
  // the owner's tenth at least; more where the miner made less than a nominal slot
  const [, row] = await said(validator, ROW, 150_000);
  const [[, owner], [, paid]] = JSON.parse(row!) as [[number, number], [number, number]];
  expect(Math.max(owner, paid)).toBe(65_535);
  expect(owner * 9).toBeGreaterThanOrEqual(paid - 9);
  // verified on threads that loaded the module themselves
  expect(validator.out).not.toMatch(/verifier thread|not answered/);

  const { commands } = blockWith('validator replay');
  const [outcomes, replay] = commands.trim().split('\n') as [string, string];
  const listed = await follow(outcomes);
  expect(listed).toContain('accepted');
  expect(listed.split('\n')[1]).toBe(blockWith('validator replay').output.split('\n')[1]);
  const replayed = await follow(replay);
  expect(replayed).toContain('the same u16');
  // its rule is nobody else's
  await expect(follow(replay.replace(/ --module \S+/, ''))).rejects.toMatchObject({
    stderr: expect.stringContaining('does not have the scoring rule at-least, version 1'),
  });
});

test('a second rule of its own takes the place of the first, as the page has it', async () => {
  const [, source] = /```ts\n(\/\/ src\/squared\.ts\n.*?)```/s.exec(PAGE)!;
  writeFileSync(join(project, 'src/squared.ts'), source!);
  const change = (path: string, from: string, to: string): void => {
    const text = readFileSync(join(project, path), 'utf8');
    expect(text).toContain(from);
    writeFileSync(join(project, path), text.replace(from, to));
  };
  change('src/subnet.ts', 'rules: [atLeast]', 'rules: [atLeast, squared]');
  change(
    'src/subnet.ts',
    "from './at-least.js';",
    "from './at-least.js';\nimport { squared } from './squared.js';",
  );
  change(
    'policy.json',
    '"rule": { "name": "at-least", "version": 1, "params": { "least": 0.5 } }',
    '"rule": { "name": "squared", "version": 1 }',
  );
  const failed = await follow('npm test').then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  expect(failed).toMatch(/^# fail 3$/m);
  const { commands } = blockWith('scoring check');
  const said = (await follow(commands)).split('\n').filter((line) => line.startsWith('merging: '));
  expect(said).toEqual([
    'merging: x 3.866 (4 owners under one coldkey, in hashes), which the rule is made to pay for',
  ]);
  expect(PAGE).toContain('`merging: x 3.866`');
  change('src/squared.ts', "  paysFor: ['merging'],\n", '');
  await expect(follow(`npx tsc && ${commands}`)).rejects.toMatchObject({ code: 1 });
});

/** Of one that is paid: the first epochs go by the policy of each build, which pays nothing for this kind. */
const ROW = /"row":(\[\[0,\d+\],\[2,[1-9]\d*\]\]),"msg":"weights in a block"/;
