import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { registerCheckpoint } from '../../../src/cli/checkpoint-group.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { registerRollouts } from '../../../src/cli/rollouts-group.js';
import { registerSubnet } from '../../../src/cli/subnet-group.js';
import { nodeDisk } from '../../../src/inference/checkpoint/disk.js';
import { publishCheckpoint } from '../../../src/inference/checkpoint/publish.js';
import { openStore } from '../../../src/inference/checkpoint/store.js';
import { seededMaster } from '../../../src/inference/master.js';
import { memorySource } from '../../../src/inference/safetensors.js';
import { MINIATURE } from '../../../src/inference/tiny.js';
import { keypairFromUri } from '../../../src/keys/index.js';
import { toHex } from '../../../src/model/bytes.js';
import { createLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

// the parent of this process is no demo, and is told nothing
vi.mock('../../../src/cli/parent.js', () => ({ tellParent: () => {} }));
// a role's log goes to its descriptor, past what is caught here
vi.mock('../../../src/cli/role-log.js', async (original) => ({
  ...(await original<object>()),
  openRoleLog: async (_options: unknown, data: Record<string, unknown>) => ({
    ...createLog((line) => process.stderr.write(`${line}\n`), { data }),
    setLevel: () => {},
  }),
}));

/** Trainer, miner and validator are one hotkey here: each command is looked at by itself. */
const HOTKEY = '//Alice//hotkey';
const never = new AbortController().signal;
let node: LocalnetNode;
let folder: string;
let digest: Uint8Array;
let stopBlocks: () => Promise<void>;

interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly error: string;
}

/** The command line as main.ts has it; `onLine` sees what it logs. */
async function assay(
  args: readonly string[],
  signal: AbortSignal = never,
  onLine: (line: string) => void = () => {},
): Promise<Ended> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    onLine(String(text));
    return true;
  });
  const ended: { code?: number; error: string } = { error: '' };
  const program = new Command('assay').exitOverride();
  const run = async (command: (signal: AbortSignal) => Promise<number>) => {
    ended.code = await command(signal);
  };
  for (const register of [registerCheckpoint, registerRollouts, registerSubnet]) register(program, run);
  await program.parseAsync(args, { from: 'user' }).catch((thrown: unknown) => {
    ended.error = String(thrown);
    ended.code = exitCodeOf(thrown);
  });
  vi.restoreAllMocks();
  return { code: ended.code, out, error: ended.error };
}

const at = (name: string): string => join(folder, name);
const init = (...more: readonly string[]) =>
  assay([
    ...['rollouts', 'init', '--seeded', 'miniature', '--engine', 'plain', '--beacon', 'dev-chain'],
    ...['--trainer', keypairFromUri(HOTKEY).address, '--calibration', 'none-localnet-only'],
    ...['--first-block', '5000', '--out', at('subnet.json'), '--json', ...more],
  ]);
const role = (
  name: 'mine' | 'validate',
  data: string,
  signal?: AbortSignal,
  onLine?: (line: string) => void,
) =>
  assay(
    [
      ...['rollouts', name, '--subnet', at('subnet.json'), '--checkpoints', at('nobody'), at('store')],
      ...['--chain', node.url, '--netuid', '1', '--hotkey', HOTKEY, '--data', at(data)],
      ...['--host', '127.20.0.1', '--port', '0', '--admin-port', '-1'],
    ],
    signal,
    onLine,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-rollouts-'));
  node = await startLocalnet();
  stopBlocks = node.pump();
  const made = await assay([
    'subnet',
    'create',
    '--wallet',
    '//Alice',
    '--start',
    '--json',
    '--network',
    node.url,
  ]);
  expect(made.error).toBe('');
  const network = ['--netuid', '1', '--wallet', '//Alice', '--network', node.url];
  expect((await assay(['subnet', 'set', 'serving_rate_limit', '0', '--sudo', ...network])).error).toBe('');
  const published = await publishCheckpoint(
    { store: openStore(nodeDisk, at('store')), keypair: keypairFromUri(HOTKEY) },
    { master: memorySource(seededMaster(MINIATURE, 'assay')), modelId: 'miniature', step: 1, window: 0 },
    never,
  );
  digest = published.checkpoint.digest;
});
afterAll(async () => {
  await stopBlocks?.();
  await node.goDown();
  await rm(folder, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

test('a subnet is begun, its checkpoint committed; a validator and a miner start from that and leave nothing behind', async () => {
  const begun = await init('--batch', '2', '--max-tokens', '4');
  expect(begun.error).toBe('');
  const { digest: ofSubnet, prompt, plan } = JSON.parse(begun.out) as Record<string, unknown>;
  expect(prompt).toMatchObject({ is: 'measured' });
  expect(plan).toEqual({ firstBlock: 5000, everyBlocks: 30, workBlocks: 20 });
  // nothing is written over unasked
  expect((await init('--prompt-millis', '1')).error).toMatch(
    /subnet\.json: expected no file there, or --force/,
  );
  const declared = await init('--force', '--prompt-millis', '250');
  expect(JSON.parse(declared.out)).toMatchObject({ prompt: { millis: 250, is: 'declared' } });
  expect(JSON.parse(declared.out)).not.toMatchObject({ digest: ofSubnet });

  const commit = (...wallet: readonly string[]) =>
    assay([
      ...['checkpoint', 'commit', '--store', at('store'), '--netuid', '1', '--network', node.url, '--json'],
      ...wallet,
    ]);
  const foreign = await commit('--wallet', '//Bob', '--hotkey', '//Bob');
  expect(foreign.error).toMatch(/signed by 5\w+, expected 5\w+/);
  const committed = await commit('--wallet', '//Alice', '--hotkey', HOTKEY);
  expect(committed.error).toBe('');
  expect(JSON.parse(committed.out)).toMatchObject({ checkpoint: toHex(digest) });

  for (const [name, ready] of [
    ['validate', 'files of the owner are handed out'],
    ['mine', 'miner ready'],
  ] as const) {
    const stop = new AbortController();
    const lines: string[] = [];
    const ended = await role(name, name, stop.signal, (line) => {
      lines.push(line);
      if (line.includes(ready)) stop.abort();
    });
    expect(ended.error, lines.join('')).toBe('');
    expect(ended.code).toBe(0);
    expect(lines.join('')).toContain('"calibration":"none"');
    // its lock is given back
    expect(await readdir(at(`${name}/checkpoints`))).not.toContain('store.lock');
  }
  // the validator has what its verdicts are replayed by, and the checkpoint before a window asks for it
  expect(await readdir(at('validate'))).toContain('subnet.json');
  expect((await readdir(at('validate/checkpoints/objects'))).sort()).toEqual(
    (await readdir(at('store/objects'))).sort(),
  );
  expect(await readFile(at('validate/subnet.json'), 'utf8')).toContain('"millis":250');
  await init('--force', '--prompt-millis', '251');
  await rm(at('validate/role.lock')); // held for as long as its process lives, which here is this one
  const other = await role('validate', 'validate');
  expect(other.code).toBe(2);
  expect(other.error).toContain('got one with another subnet.json');
});

test('what is wrong with files and flags is said before anything begins', async () => {
  await init('--force', '--prompt-millis', '250');
  const cases: [readonly string[], RegExp][] = [
    [['mine'], /hotkey: is required.*subnet: is required.*checkpoints: is required/s],
    [
      [
        'validate',
        '--subnet',
        at('none'),
        '--checkpoints',
        at('store'),
        '--hotkey',
        HOTKEY,
        '--data',
        at('x'),
      ],
      /none: expected a file that can be read/,
    ],
    [
      [
        'mine',
        '--subnet',
        at('subnet.json'),
        '--checkpoints',
        at('store'),
        '--hotkey',
        HOTKEY,
        '--data',
        at('x'),
        '--drand',
        'ftp://x',
      ],
      /drand\.0: expected http/,
    ],
    [
      ['init', '--trainer', 'x', '--calibration', at('none'), '--first-block', '9', '--seeded', 'tiny'],
      /none: expected a file/,
    ],
    [
      [
        'init',
        '--trainer',
        'x',
        '--calibration',
        'none-localnet-only',
        '--first-block',
        '9',
        '--seeded',
        'miniature',
        '--prompt-millis',
        '1',
        '--out',
        at('y'),
      ],
      /trainer of .*: expected an address/,
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, error } = await assay(['rollouts', ...args]);
    expect(error).toMatch(expected);
    expect(code).toBe(2);
  }
  expect(await readdir(folder)).not.toContain('y');
});
