import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseSnapshot } from '../../../src/chain/snapshot-file.js';
import { registerChain } from '../../../src/cli/chain-group.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { registerSubnet } from '../../../src/cli/subnet-group.js';
import { keypairFromUri, sealNacl, secretFromUri, toKeyJson, toPublicJson } from '../../../src/keys/index.js';
import { utf8 } from '../../../src/model/bytes.js';
import type { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { openWeightsBook } from '../../../src/validator/weights/book.js';
import { formProblems } from '../../support/json-forms.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

// a password hash that takes no seconds: no file of these tests is another tool's
vi.mock('../../../src/cli/wallet-io.js', async (original) => {
  const actual = await original<typeof import('../../../src/cli/wallet-io.js')>();
  return {
    ...actual,
    terminalIo: (signal: AbortSignal) => ({ ...actual.terminalIo(signal), derive, note: () => {} }),
  };
});
const derive = async (password: Uint8Array): Promise<Uint8Array> => {
  const key = new Uint8Array(32);
  password.forEach((byte, i) => {
    key[i % 32] = key[i % 32]! ^ byte; // within its length
  });
  return key;
};

let node: LocalnetNode;
let folder: string;
let stopBlocks: () => Promise<void>;

beforeAll(async () => {
  node = await startLocalnet();
  stopBlocks = node.pump();
  // Alice founds subnet 1, hotkey //Alice//hotkey, and root makes it fit for tests
  const made = await assay('subnet', 'create', '--wallet', '//Alice', '--start', '--json');
  expect(made.error).toBeUndefined();
  // one document for both calls
  expect(JSON.parse(made.out)).toMatchObject({
    chain: 'Assay Localnet',
    netuid: 1,
    foundedInBlock: expect.any(Number),
    started: true,
  });
  for (const [name, value] of [
    ['commit_reveal_weights_enabled', 'false'],
    ['weights_set_rate_limit', '0'],
    ['serving_rate_limit', '0'],
  ])
    expect(
      (await assay('subnet', 'set', name!, value!, '--netuid', '1', '--wallet', '//Alice', '--sudo')).error,
    ).toBeUndefined();
});
afterAll(async () => {
  await stopBlocks?.();
  await node.goDown();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-chain-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
  readonly error: AssayError | undefined;
}

/** The command line as main.ts has it, on this test's localnet, with its output caught. */
const assay = (...args: readonly string[]): Promise<Ended> => run([...args, '--network', node.url]);

async function run(args: readonly string[], signal = new AbortController().signal): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  let code: number | undefined;
  let error: unknown;
  const program = new Command('assay').exitOverride();
  const work = async (command: (signal: AbortSignal) => Promise<number>) => {
    code = await command(signal);
  };
  registerChain(program, work);
  registerSubnet(program, work);
  await program.parseAsync(args, { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
    code = exitCodeOf(thrown);
  });
  vi.restoreAllMocks();
  return { code, out: written.stdout, err: written.stderr, error: error as AssayError | undefined };
}

const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { out, error } = await assay(...args, '--json');
  expect(error).toBeUndefined();
  return JSON.parse(out) as Record<string, unknown>;
};

const nextNonceOf = (uri: string) =>
  node.localnet.rpc('system_accountNextIndex', [keypairFromUri(uri).address]);

describe('looking at a chain', () => {
  test('status says which chain, which runtime, which head, and what it can do', async () => {
    expect(await json('chain', 'status')).toMatchObject({
      url: node.url,
      type: 'development',
      genesisHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      features: { epochs: 'stateful', timelockedCommits: true },
      issuanceRao: expect.stringMatching(/^\d+$/),
    });
    const { out } = await assay('chain', 'status');
    expect(out).toMatch(/^endpoint +ws:/);
    expect(out).toMatch(/^has +.*timelockedCommits/m);
  });

  test('status says at once how old the head is, and that no block has come for long', async () => {
    // a manual localnet's time is that of its blocks: its head is years old
    const { headAgeMs, sickness } = await json('chain', 'status');
    expect(headAgeMs).toBeGreaterThan(60_000);
    expect(sickness).toBe('stalled');
    const { out } = await assay('chain', 'status');
    expect(out).toMatch(/^head age +\d+\.\d s$/m);
    expect(out).toMatch(/^node is +stalled$/m);
  });

  test('metagraph shows the neurons, sorted by what was asked for', async () => {
    await assay('chain', 'register', '--netuid', '1', '--wallet', '//Alice', '--hotkey', '//meta//hot');
    const { neurons } = await json('chain', 'metagraph', '--netuid', '1', '--sort', 'updated');
    const updated = (neurons as { lastUpdate: number }[]).map(({ lastUpdate }) => lastUpdate);
    expect(updated).toEqual([...updated].sort((a, b) => b - a));
    expect(neurons).toContainEqual(
      expect.objectContaining({ uid: 0, hotkey: keypairFromUri('//Alice//hotkey').address }),
    );
    expect((await assay('chain', 'metagraph', '--netuid', '1')).out).toMatch(/│ 0 +│ 5/);
  });

  test('hyperparams says who may set each', async () => {
    const { hyperparameters } = await json('chain', 'hyperparams', '--netuid', '1');
    expect(hyperparameters).toContainEqual(
      expect.objectContaining({ name: 'kappa', value: '32767', normalised: '0.5', setBy: 'root' }),
    );
    expect(hyperparameters).toContainEqual(
      expect.objectContaining({ name: 'weights_rate_limit', setAs: 'weights_set_rate_limit', setBy: 'root' }),
    );
    expect(hyperparameters).toContainEqual(
      expect.objectContaining({ name: 'max_weights_limit', value: '65535' }),
    );
  });

  test('a snapshot is a file that a localnet can be forked from', async () => {
    const path = join(folder, 'subnet.json');
    expect(await json('chain', 'snapshot', path, '--netuid', '1')).toMatchObject({ netuid: 1 });
    expect(parseSnapshot(readFileSync(path, 'utf8'), path).netuid).toBe(1);
    const again = ['chain', 'snapshot', path, '--netuid', '1'];
    expect((await assay(...again)).error?.message).toMatch(
      /expected a file that is not there yet, or --force/,
    );
    expect(await json(...again, '--force')).toMatchObject({ netuid: 1 });
  });

  test('watch tells of every final block once and in order, and of the subnet’s events', async () => {
    const from = node.localnet.head().number;
    const watching = run([
      ...['chain', 'watch', '--netuid', '1', '--json', '--network', node.url],
      ...['--from', `${from - 2}`, '--blocks', '5'],
    ]);
    const moving = setInterval(() => node.localnet.produceBlock(), 50);
    const { out, code } = await watching;
    clearInterval(moving);
    const seen = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { is: string; block: number });
    expect(seen.filter(({ is }) => is === 'finalised').map(({ block }) => block - from)).toEqual([
      -2, -1, 0, 1, 2,
    ]);
    expect(code).toBe(0);
    expect(formProblems('chain watch', out)).toEqual([]);
  });

  test('Ctrl-C ends a watch as an interruption', async () => {
    const stop = new AbortController();
    const watching = run(['chain', 'watch', '--json', '--network', node.url], stop.signal);
    setTimeout(() => stop.abort(), 300);
    expect(await watching).toMatchObject({ code: 130, error: undefined });
  });

  test('subnet info shows a subnet and root', async () => {
    expect(await json('subnet', 'info', '--netuid', '1')).toMatchObject({
      netuid: 1,
      ownerColdkey: keypairFromUri('//Alice').address,
      commitRevealEnabled: false,
    });
    const root = await assay('subnet', 'info', '--netuid', '0');
    expect(root.out).toMatch(/^subnet +0 .*\(root\)/);
    expect(root.out).toMatch(/^next epoch +never$/m);
  });
});

describe('acting on a chain', () => {
  test('a dry run of each signing command sends nothing', async () => {
    const nonce = await nextNonceOf('//Alice');
    const hotNonce = await nextNonceOf('//Alice//hotkey');
    const place = ['--netuid', '1', '--wallet', '//Alice', '--dry-run'];
    for (const args of [
      ['chain', 'stake', '1', ...place],
      ['chain', 'register', '--hotkey', '//dry//hot', ...place],
      ['chain', 'serve', '--ip', '10.0.0.1', '--port', '80', '--no-tls', ...place],
      ['chain', 'weights', 'set', '--weights', '0:1', ...place],
      ['subnet', 'set', 'immunity_period', '10', ...place],
      ['subnet', 'create', '--wallet', '//Alice', '--hotkey', '//dry//sub', '--dry-run'],
    ]) {
      const { out, code, error } = await assay(...args);
      expect(error).toBeUndefined();
      expect(out).toMatch(/nothing is signed or sent/);
      expect(out).toMatch(/^encoded +0x/m);
      expect(code).toBe(0);
    }
    expect(await nextNonceOf('//Alice')).toEqual(nonce);
    expect(await nextNonceOf('//Alice//hotkey')).toEqual(hotNonce);
  });

  test('stake and unstake say beforehand what is got, and afterwards what was', async () => {
    const staked = await json('chain', 'stake', '10', '--netuid', '1', '--wallet', '//Alice');
    expect(staked).toMatchObject({ amountRao: '10000000000', taoRao: '10000000000' });
    expect(staked['alphaRao']).toBe(staked['expectedRao']);
    const some = await assay('chain', 'unstake', '1', '--netuid', '1', '--wallet', '//Alice');
    expect(some.out).toMatch(
      /^unstaked 1 alpha for 1\.\d+ TAO \(fee of the swap included: 0\.0\d+ alpha\), in block/m,
    );
    const back = await json('chain', 'unstake', '--all', '--netuid', '1', '--wallet', '//Alice');
    expect(BigInt(back['amountRao'] as string)).toBeGreaterThanOrEqual(
      BigInt(staked['alphaRao'] as string) - 1_000_000_000n,
    );
    const { error } = await assay('chain', 'unstake', '1', '--netuid', '1', '--wallet', '//Alice');
    expect(error?.message).toMatch(/the stake: expected at least 1 of 5\w+ on 5\w+ in subnet 1, got 0/);
  });

  test('a limit price below the price is refused before anything is signed', async () => {
    const nonce = await nextNonceOf('//Alice');
    const { error } = await assay(
      ...['chain', 'stake', '10', '--netuid', '1', '--wallet', '//Alice', '--limit-price', '0.000001'],
    );
    expect(error).toMatchObject({ code: 'chain-rejected', data: { error: 'SlippageTooHigh', unsent: true } });
    expect(await nextNonceOf('//Alice')).toEqual(nonce);
  });

  test('stake keeps to a price within 5 % unless told otherwise, as much as it buys', async () => {
    const place = ['--netuid', '1', '--wallet', '//Alice'];
    const small = await assay('chain', 'stake', '1', ...place, '--dry-run');
    expect(small.out).toMatch(/^price limit +at most 1\.05\d* TAO for 1 alpha, a tolerance of 5 %$/m);
    expect(small.out).toMatch(/^call +SubtensorModule.add_stake_limit$/m);
    const large = await assay('chain', 'stake', '500', ...place);
    expect(large.error).toMatchObject({ code: 'chain-rejected', data: { error: 'SlippageTooHigh' } });
    const any = await assay('chain', 'stake', '500', ...place, '--tolerance', 'off', '--dry-run');
    expect(any.out).toMatch(/^price limit +none: at any price$/m);
    expect(any.out).toMatch(/^call +SubtensorModule.add_stake$/m);
    const both = await assay('chain', 'stake', '1', ...place, '--tolerance', '1', '--limit-price', '2');
    expect(both.error?.message).toMatch(/--tolerance: expected either it or --limit-price/);
  });

  test('serve announces address and key', async () => {
    const keys = join(folder, 'server-keys.json');
    writeFileSync(keys, JSON.stringify({ seeds: ['11'.repeat(32)] }), { mode: 0o600 });
    const place = ['--netuid', '1', '--wallet', '//Alice'];
    await json('chain', 'serve', '--ip', '10.9.8.7', '--port', '8091', '--tls-key', keys, ...place);
    const { neurons } = await json('chain', 'metagraph', '--netuid', '1');
    expect((neurons as { axon: unknown }[])[0]?.axon).toMatchObject({
      ip: '10.9.8.7',
      port: 8091,
      serverKey: { algorithm: 1, publicKey: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    });
    const { error } = await assay('chain', 'serve', '--ip', '10.9.8.7', '--port', '8091', ...place);
    expect(error?.message).toMatch(/--tls-key: expected a file of server keys, or --no-tls, got neither/);
  });

  test('weights are set in the open where the subnet takes them so, and shown', async () => {
    const set = await json(
      'chain',
      'weights',
      'set',
      '--netuid',
      '1',
      '--wallet',
      '//Alice',
      '--weights',
      '0:2',
    );
    expect(set).toMatchObject({ form: 'set', uid: 0, row: [[0, 65535]] });
    const { rows } = await json('chain', 'weights', 'show', '--netuid', '1', '--uid', '0');
    expect(rows).toMatchObject([{ uid: 0, row: [[0, 65535]], pending: [] }]);
  });

  test('a plain commit keeps its salt for its owner alone, and is revealed from that file in its epoch', async () => {
    const root = ['--netuid', '1', '--wallet', '//Alice', '--sudo'];
    await assay('subnet', 'set', 'commit_reveal_weights_enabled', 'true', ...root);
    const kept = join(folder, 'commit.json');
    const commit = ['chain', 'commit', '--netuid', '1', '--wallet', '//Alice', '--weights', '0:1'];
    expect((await assay(...commit)).error?.message).toMatch(/--salt-file: expected a file/);
    await json(...commit, '--salt-file', kept);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect((await assay(...commit, '--salt-file', kept)).error?.message).toMatch(/not there yet/);
    const early = await assay('chain', 'reveal', kept, '--wallet', '//Alice');
    const { revealFrom, revealUntil, epoch } = JSON.parse(readFileSync(kept, 'utf8')) as Record<
      string,
      number
    >;
    expect(early.error).toMatchObject({
      data: { error: 'RevealTooEarly', unsent: true, atBlock: revealFrom },
    });
    expect((await assay('chain', 'reveal', kept, '--wallet', '//Alice', '--dry-run')).code).toBe(1);
    const shown = await assay('chain', 'weights', 'show', '--netuid', '1', '--uid', '0');
    expect(shown.out).toContain(`hash of epoch ${epoch}, block`);
    expect(shown.out).toContain(`reveal in blocks ${revealFrom}-${revealUntil! - 1}`);
    const other = await assay('chain', 'reveal', kept, '--wallet', '//Bob');
    expect(other.error?.message).toMatch(/the hotkey: expected 5\w+, whose commit/);

    const { nextEpochBlock } = (await json('subnet', 'info', '--netuid', '1')) as { nextEpochBlock: number };
    while (node.localnet.head().number < nextEpochBlock) node.localnet.produceBlock();
    expect(await json('chain', 'reveal', kept, '--wallet', '//Alice')).toMatchObject({ row: [[0, 65535]] });
    await assay('subnet', 'set', 'commit_reveal_weights_enabled', 'false', ...root);
  });

  test('where weights are sealed the preview says round and blocks, and the sealed commit lands', async () => {
    const root = ['--netuid', '1', '--wallet', '//Alice', '--sudo'];
    await assay('subnet', 'set', 'commit_reveal_weights_enabled', 'true', ...root);
    const set = ['chain', 'weights', 'set', '--netuid', '1', '--wallet', '//Alice', '--weights', '0:1'];
    const preview = await json(...set, '--preview');
    expect(preview).toMatchObject({ dryRun: true, form: 'timelocked', ok: true });
    const sent = await json(...set);
    expect(sent['revealRound']).toBeGreaterThanOrEqual(preview['revealRound'] as number);
    const { rows } = await json('chain', 'weights', 'show', '--netuid', '1', '--uid', '0');
    expect(rows).toMatchObject([{ pending: [{ kind: 'timelocked', revealRound: sent['revealRound'] }] }]);
    await assay('subnet', 'set', 'commit_reveal_weights_enabled', 'false', ...root);
  });

  test('weights without a permit are refused before anything is signed, those of a neuron for itself are not', async () => {
    const at = ['--netuid', '1', '--wallet', '//Alice', '--hotkey', '//permitless'];
    const registered = await json('chain', 'register', ...at);
    const uid = registered['uid'] as number;
    const nonce = await nextNonceOf('//permitless');
    const set = ['chain', 'weights', 'set', ...at, '--weights'];
    const refused = await assay(...set, '0:1');
    expect(refused.error).toMatchObject({
      code: 'chain-rejected',
      data: { error: 'NeuronNoValidatorPermit', unsent: true, remedy: expect.any(String) },
    });
    const dry = await assay(...set, '0:1', '--dry-run');
    expect(dry).toMatchObject({ code: 1, error: undefined });
    expect(dry.out).toMatch(/the chain would reject it: NeuronNoValidatorPermit/);
    expect(await nextNonceOf('//permitless')).toEqual(nonce);
    expect(await json(...set, `${uid}:1`)).toMatchObject({ form: 'set', row: [[uid, 65535]] });
  });

  test('weights that come too soon are refused with the block from which they are taken', async () => {
    const limit = (blocks: string) =>
      assay(
        'subnet',
        'set',
        'weights_set_rate_limit',
        blocks,
        '--netuid',
        '1',
        '--wallet',
        '//Alice',
        '--sudo',
      );
    await limit('100');
    const { error } = await assay(
      ...['chain', 'weights', 'set', '--netuid', '1', '--wallet', '//Alice', '--weights', '0:1'],
    );
    expect(error).toMatchObject({
      data: { error: 'SettingWeightsTooFast', unsent: true, atBlock: expect.any(Number) },
    });
    await limit('0');
  });

  test('the validator’s book is shown with its failures while no chain answers', async () => {
    const hotkey = toHotkey(keypairFromUri('//Alice//hotkey').address);
    const book = await openWeightsBook(
      { log: silentLog },
      { folder: join(folder, 'weights'), genesisHash: new Uint8Array(32), hotkey, head: 0 },
    );
    await book.write({ netuid: 1, mechanism: 0, epoch: 4 }, { step: 'computed', scores: [[hotkey, 1]] });
    await book.write({ netuid: 1, mechanism: 0, epoch: 4 }, { step: 'failed', reason: 'epoch-passed' });
    await book.close();
    const { out, code } = await run(['chain', 'weights', 'show', '--data', folder]);
    expect(out).toMatch(new RegExp(`book of ${hotkey} on chain 0000000000000000`));
    expect(out).toMatch(/│ 4 +│ failed .*epoch-passed/);
    expect(code).toBe(0);
  });

  test('an owner’s hyperparameter is set once, and then its rate limit is said beforehand', async () => {
    const set = (value: string) =>
      assay('subnet', 'set', 'immunity_period', value, '--netuid', '1', '--wallet', '//Alice');
    const first = await set('77');
    expect(first.error).toBeUndefined();
    expect(first.out).toMatch(/^freeze window +frozen from block \d+ to \d+/m);
    const second = await set('78');
    expect(second.error).toMatchObject({
      code: 'chain-rejected',
      data: { error: 'TxRateLimitExceeded', unsent: true, atBlock: expect.any(Number) },
    });
    const { hyperparameters } = await json('chain', 'hyperparams', '--netuid', '1');
    const entry = (hyperparameters as { name: string; value: string; allowedAt: number }[]).find(
      ({ name }) => name === 'immunity_period',
    );
    expect(entry?.value).toBe('77');
    expect(second.error?.data).toMatchObject({ atBlock: entry?.allowedAt });
  });

  test('what root alone sets is refused without --sudo, and lists name it so', async () => {
    const { error } = await assay('subnet', 'set', 'kappa', '1', '--netuid', '1', '--wallet', '//Alice');
    expect(error?.message).toMatch(/kappa: expected one that owners may set, or --sudo/);
    const { out } = await run(['subnet', 'set', '--list']);
    expect(out).toMatch(/kappa +│ root/);
    expect(out).toMatch(/immunity_period +│ owner/);
  });
});

describe('bad input is refused before anything is signed', () => {
  const atAlice = ['--netuid', '1', '--wallet', '//Alice'];
  const wallet = async (name: string, uri: string, password?: string) => {
    const place = join(folder, 'wallets', name);
    mkdirSync(join(place, 'hotkeys'), { recursive: true });
    const plain = toKeyJson(secretFromUri(uri));
    const parts = { derive, random: createSeededRandom('nonce') };
    const secret = password === undefined ? plain : await sealNacl(plain, utf8(password), parts);
    writeFileSync(join(place, 'coldkey'), secret, { mode: 0o600 });
    writeFileSync(join(place, 'coldkeypub.txt'), toPublicJson(secretFromUri(uri).keypair.publicKey));
    const flags = ['--wallet-path', join(folder, 'wallets'), '--wallet', name, '--hotkey', '//Alice//hotkey'];
    return { place, flags };
  };

  test('a wrong password', async () => {
    const { flags } = await wallet('mine', '//Alice', 'correct horse');
    const password = join(folder, 'password');
    writeFileSync(password, 'battery staple', { mode: 0o600 });
    const stake = ['chain', 'stake', '1', '--netuid', '1', ...flags, '--password-file', password];
    const nonce = await nextNonceOf('//Alice');
    const { error, code } = await assay(...stake);
    expect(error?.message).toMatch(/coldkey: expected the password that this file was encrypted with/);
    expect(error?.message).not.toMatch(/battery/);
    expect(code).toBe(2);
    expect(await nextNonceOf('//Alice')).toEqual(nonce);
    writeFileSync(password, 'correct horse');
    expect((await assay(...stake)).error).toBeUndefined();
  });

  test('a keyfile of something else, and one whose public file is another key’s', async () => {
    const { place, flags } = await wallet('foreign', '//Bob', 'correct horse');
    const password = join(folder, 'password');
    writeFileSync(password, 'correct horse', { mode: 0o600 });
    const stake = ['chain', 'stake', '1', '--netuid', '1', ...flags, '--password-file', password];
    writeFileSync(join(place, 'coldkeypub.txt'), toPublicJson(keypairFromUri('//Alice').publicKey));
    const nonce = await nextNonceOf('//Alice');
    const other = await assay(...stake);
    expect(other.error?.message).toMatch(/its public file says 5\w+, the secret is of 5\w+/);
    expect(other.code).toBe(1);
    writeFileSync(join(place, 'coldkey'), '-----BEGIN PRIVATE KEY-----\nAAAA\n');
    rmSync(join(place, 'coldkeypub.txt'));
    const { error, code } = await assay(...stake);
    expect(error?.message).toContain(join(place, 'coldkey'));
    expect(code).not.toBe(0);
    expect(await nextNonceOf('//Alice')).toEqual(nonce);
  });

  test('a node of another chain', async () => {
    const finney = '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';
    const { error } = await assay('chain', 'stake', '1', ...atAlice, '--genesis', finney);
    expect(error).toMatchObject({ code: 'refused' });
    expect(`${error?.message} ${(error?.cause as Error | undefined)?.message}`).toMatch(
      /genesis|another chain/,
    );
  });

  test('an endpoint that speaks HTTP and no WebSocket', async () => {
    expect((await run(['chain', 'status', '--network', 'http://127.0.0.1:9944'])).error?.message).toMatch(
      /not a chain address: http:.*an HTTP address cannot be subscribed to/,
    );
    const server = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { error } = await run(['chain', 'status', '--network', `ws://127.0.0.1:${port}`]);
    server.close();
    expect(error?.code).toMatch(/refused|unreachable/);
    expect(error?.message).toContain(`127.0.0.1:${port}`);
  });

  test('a subnet that is not there', async () => {
    for (const args of [
      ['chain', 'metagraph'],
      ['chain', 'hyperparams'],
      ['chain', 'register', '--wallet', '//Alice'],
      ['chain', 'weights', 'set', '--wallet', '//Alice', '--weights', '0:1'],
      ['chain', 'watch'],
    ]) {
      const { error } = await assay(...args, '--netuid', '77');
      expect(error?.message).toMatch(/subnet 77/);
    }
    expect((await assay('chain', 'metagraph', '--netuid', '77')).error?.message).toMatch(/assay subnet info/);
    const { error } = await assay('chain', 'metagraph');
    expect(error?.message).toMatch(/--netuid: is required/);
  });

  test.each(['1e1', '70000', '1.5', 'x'])(
    'the subnet number %s, with the numbers that there are',
    async (netuid) => {
      const { error, code } = await run(['chain', 'metagraph', '--netuid', netuid]);
      expect(error?.message).toBe(
        `--netuid: expected the number of a subnet in 0..65535, in digits, got ${netuid}`,
      );
      expect(code).toBe(2);
    },
  );

  test('a hotkey that is not registered', async () => {
    const stranger = ['--netuid', '1', '--wallet', '//Alice', '--hotkey', '//stranger'];
    const set = await assay('chain', 'weights', 'set', '--weights', '0:1', ...stranger);
    expect(set.error?.message).toMatch(/the hotkey: expected one registered in subnet 1/);
    const serve = await assay('chain', 'serve', '--ip', '10.0.0.1', '--port', '1', '--no-tls', ...stranger);
    expect(serve.error).toMatchObject({ data: { error: 'HotKeyNotRegisteredInNetwork', unsent: true } });
  });

  test('a balance that is too low', async () => {
    const poor = ['--netuid', '1', '--wallet', '//pauper', '--hotkey', '//Alice//hotkey'];
    const { error } = await assay('chain', 'stake', '5', ...poor);
    expect(error).toMatchObject({ data: { error: 'NotEnoughBalanceToStake', unsent: true } });
    expect(error?.message).toMatch(/needs 5 TAO, 5\w+ has 0/);
  });

  test.each(['1e3', '1.0000000001', '-1', '1,5', 'all', '99999999999'])('the amount %s', async (amount) => {
    // no node is asked: nothing listens there
    const args = ['chain', 'stake', '--network', 'ws://127.0.0.1:9', ...atAlice, '--', amount];
    const { error, code } = await run(args);
    expect(error?.message).toMatch(/^the amount: expected /);
    expect(code).toBe(2);
  });

  test('an endpoint where nothing listens, in words', async () => {
    const free = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const stop = new AbortController();
    const ended = run(['chain', 'status', '--network', `ws://127.0.0.1:${port}`], stop.signal);
    setTimeout(() => stop.abort(), 500);
    expect(await ended).toMatchObject({ code: 130, error: undefined });
  });
});
