import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keypairFromUri } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { openLedgerReader } from '../../../src/validator/ledger/ledger.js';
import { soon } from '../../support/soon.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

// Real processes: what a signal, a second one, and a second process do to a role at work.

const MAIN = 'src/cli/main.ts';
const NETUID = toNetuid(1);
const BLOCK_MS = 250;
/** What the units and the container file rely on. */
const STOP_MS = 10_000;
/** A secret that a variable says: it would be in a list of processes, or in a log, if anything copied it there. */
const PLANTED = 'planted-5f0c1d';

let node: LocalnetNode;
let folder: string;
let beat: NodeJS.Timeout;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-life-'));
  node = await startLocalnet({ tempo: 60 });
  const { connectSubtensor } = await import('../../../src/chain/subtensor/connect.js');
  const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  const of = (name: string) => toHotkey(keypairFromUri(name).address);
  await node.land(chain.registerNetwork(node.root, of('//Owner')));
  await node.land(chain.startCall(node.root, NETUID));
  await node.land(chain.sudo(node.root, { call: 'sudo_set_serving_rate_limit', args: [NETUID, 0] }));
  for (const name of ['//Validator', '//Miner'])
    await node.land(chain.burnedRegister(node.root, NETUID, of(name)));
  await node.land(chain.addStake(node.root, NETUID, of('//Validator'), 1000n * 1_000_000_000n));
  // permits come with an epoch
  for (const { nextEpochBlock } = await chain.subnet(NETUID); node.localnet.head().number < nextEpochBlock!; )
    node.localnet.produceBlock();
  await chain.close();
  beat = setInterval(() => node.localnet.produceBlock(), BLOCK_MS);
});
afterAll(async () => {
  clearInterval(beat);
  for (const child of children) child.kill('SIGKILL');
  await node?.goDown();
  rmSync(folder, { recursive: true, force: true });
});

interface Role {
  readonly child: ChildProcess;
  readonly data: string;
  /** standard error so far */
  said(): string;
  /** Resolves when standard error has it. */
  says(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

function start(name: string, args: readonly string[], data = join(folder, name)): Role {
  const own = ['--chain', node.url, '--netuid', '1', '--data', data];
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args, ...own], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ASSAY_WEBHOOK: `http://127.0.0.1:9/${PLANTED}` },
  });
  children.add(child);
  let said = '';
  const waiting = new Set<() => void>();
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child);
    for (const look of waiting) look();
    return code as number | null;
  });
  return {
    child,
    data,
    ended,
    said: () => said,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (said.includes(text)) resolve();
          else if (child.exitCode !== null) reject(new Error(`ended before it said "${text}": ${said}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

const validate = (name: string, data?: string, more: readonly string[] = []) =>
  start(
    name,
    [
      'validator',
      'start',
      '--hotkey',
      '//Validator',
      '--events-per-epoch',
      '4',
      '--event-blocks',
      '10',
      '--lead-blocks',
      '4',
      '--min-lead-ms',
      '0',
      ...more,
    ],
    data,
  );
const mine = () =>
  start('miner', [
    'miner',
    'start',
    '--hotkey',
    '//Miner',
    '--host',
    '127.16.0.1',
    '--port',
    '0',
    '--no-doctor',
  ]);

/** What anybody of the machine reads of a process, its threads, and all that it started: command lines and titles. */
function listedOf(pid: number): string[] {
  const of = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').replaceAll('\0', ' ');
  const tasks = readdirSync(`/proc/${pid}/task`);
  const began = tasks.flatMap((task) => of(`task/${task}/children`).split(' ').filter(Boolean));
  return [
    of('cmdline'),
    ...tasks.map((task) => of(`task/${task}/comm`)),
    ...began.flatMap((child) => listedOf(Number(child))),
  ];
}

/** @returns exit code and ms */
async function stopped(role: Role, signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }> {
  const asked = performance.now();
  role.child.kill(signal);
  const code = await role.ended;
  return { code, ms: performance.now() - asked };
}

test('roles at work end within ten seconds of SIGTERM, in order, and leave folders that the next ones take', async () => {
  const [validator, miner] = [validate('validator'), mine()];
  await Promise.all([validator.says('validator ready'), miner.says('miner ready')]);

  const second = validate('second', validator.data);
  expect(await second.ended).toBe(2);
  expect(second.said()).toMatch(new RegExp(`process ${validator.child.pid} holds since 20`));

  await validator.says('event announced'); // its sessions begin
  const listed = [validator, miner].flatMap(({ child }) => listedOf(child.pid!));
  expect(listed.some((text) => text.includes('validator start --hotkey //Validator'))).toBe(true);
  expect(listed.filter((text) => text.includes(PLANTED))).toEqual([]);
  const ends = await Promise.all([stopped(validator, 'SIGTERM'), stopped(miner, 'SIGTERM')]);
  for (const { code, ms } of ends) {
    expect([0, 143]).toContain(code);
    expect(ms).toBeLessThan(STOP_MS);
  }
  console.log(
    `ended after SIGTERM: validator ${ends[0]!.ms.toFixed(0)} ms, miner ${ends[1]!.ms.toFixed(0)} ms`,
  );
  for (const role of [validator, miner]) {
    expect(existsSync(join(role.data, 'role.lock'))).toBe(false);
    expect(role.said()).not.toContain(PLANTED);
  }
  const ledger = await openLedgerReader({ dir: join(validator.data, 'ledger'), log: silentLog });
  await ledger.fold({});
  await ledger.close();
  expect(readdirSync(join(validator.data, 'ledger'))).not.toContain('lock');

  const again = validate('again', validator.data);
  await again.says('validator ready');
  again.child.kill('SIGTERM');
  again.child.kill('SIGTERM'); // no patience: at once
  expect([0, 143]).toContain(await again.ended);
  rmSync(join(folder, 'again'), { recursive: true, force: true });

  const killed = validate('killed', validator.data);
  await killed.says('validator ready');
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(existsSync(join(validator.data, 'role.lock'))).toBe(true);
  const after = validate('after', validator.data);
  await after.says('validator ready');
  expect(readFileSync(join(validator.data, 'role.lock'), 'utf8')).toMatch(new RegExp(`^${after.child.pid} `));
  await stopped(after, 'SIGTERM');
}, 300_000);

/** Where a role's pages are, as its log says. */
function pagesOf(role: Role): string {
  const lines = role
    .said()
    .split('\n')
    .filter((line) => line.includes('"msg":"dashboard"'));
  return (JSON.parse(lines[0]!) as { url: string }).url;
}

/** An answer whose body is not read yet. */
const asked = (url: string, headers: IncomingHttpHeaders = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });

async function page(
  url: string,
  headers: IncomingHttpHeaders = {},
): Promise<{ status: number | undefined; body: string }> {
  const response = await asked(url, headers);
  let body = '';
  for await (const part of response.setEncoding('utf8')) body += part;
  return { status: response.statusCode, body };
}

test('a validator shows its pages to those they are for, and ends in order while one is looked at', async () => {
  const validator = validate('shown', undefined, ['--dashboard', '0.0.0.0:0']);
  await validator.says('validator ready');
  const url = pagesOf(validator);
  expect((await page(`${url}leaderboard/`)).status).toBe(401);
  const file = join(validator.data, 'dashboard-token');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const token = readFileSync(file, 'utf8').trim();
  const headers = { authorization: `Bearer ${token}` };
  expect((await page(`${url}leaderboard/`, headers)).body).toContain('<h1>Leaderboard</h1>');

  await validator.says('event announced');
  const [, block] = /"block":(\d+).*"msg":"event announced"/.exec(validator.said())!;
  await soon(async () =>
    expect((await page(`${url}rounds/`, headers)).body).toMatch(
      new RegExp(`Event of block ${block}|<th scope="row">${block}</th>`),
    ),
  );
  const stream = await asked(`${url}events?topics=rounds,masthead`, headers);
  expect(stream.headers['content-type']).toContain('text/event-stream');
  let heard = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  const broken = new Promise((resolve) => stream.on('close', resolve).on('error', () => {}));
  await soon(() => expect(heard).toContain('event: rounds'));

  const { code, ms } = await stopped(validator, 'SIGTERM');
  await broken;
  expect([0, 143]).toContain(code);
  expect(ms).toBeLessThan(STOP_MS);
  expect(existsSync(join(validator.data, 'role.lock'))).toBe(false);
  expect(validator.said()).not.toContain(token);
  expect(validator.said()).not.toContain('"msg":"dashboard: '); // which is how its thread says what fails
  await expect(asked(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  // on loopback whoever is here may look, under names of this machine alone
  const again = validate('shown-again', validator.data, ['--dashboard', '127.0.0.1:0']);
  await again.says('validator ready');
  const own = pagesOf(again);
  expect((await page(`${own}leaderboard/`)).status).toBe(200);
  expect((await page(`${own}leaderboard/`, { host: 'rebound.example' })).status).toBe(421);
  expect((await page(`${own}leaderboard/`, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  // what the process before it left is under way no longer
  await soon(async () => expect((await page(`${own}rounds/`)).body).toMatch(new RegExp(`>${block}</th>`)));
  expect([0, 143]).toContain((await stopped(again, 'SIGTERM')).code);
}, 120_000);
