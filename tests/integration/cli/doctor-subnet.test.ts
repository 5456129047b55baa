// The doctor of a host before a localnet: what it says of a hotkey, and that what it foresees is what the chain then pays.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../../src/chain/index.js';
import type { SubtensorReader } from '../../../src/chain/operator-reads.js';
import { doctor } from '../../../src/cli/commands/miner-doctor.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, landCalls, startLocalnet } from '../chain/localnet-node.js';

const TAO = 1_000_000_000n;
const netuid = toNetuid(1);
let node: LocalnetNode;
let chain: ChainReader & SubtensorReader & ChainWriter;
let folder: string;
let owner: ReturnType<typeof devKeypair>;
let validator: ReturnType<typeof devKeypair>;
let miner: ReturnType<typeof devKeypair>;

const land = (...calls: Parameters<typeof landCalls>[1]) => landCalls(node, calls);
const asRoot = (name: string, args: Record<string, unknown>) =>
  [
    'sudo',
    { call: { pallet: 'AdminUtils', name, args: { netuid, ...args } } },
    node.root.address,
    'Sudo',
  ] as const;

beforeAll(async () => {
  await readyKeys();
  [owner, validator, miner] = [devKeypair('owner-hot'), devKeypair('validator'), devKeypair('miner')];
  node = await startLocalnet();
  await land(['register_network', { hotkey: owner.address }]);
  await land(['start_call', { netuid }]);
  // what hotkeys of the owner's coldkey earn the chain burns
  const cold = devKeypair('miner-cold').address;
  await node.localnet.rpc('dev_faucet', [cold, String(100n * TAO)]);
  node.localnet.produceBlock();
  await land(
    ['burned_register', { netuid, hotkey: validator.address }],
    ['burned_register', { netuid, hotkey: miner.address }, cold],
  );
  await land(
    ['add_stake', { hotkey: validator.address, netuid, amount_staked: 500n * TAO }],
    asRoot('sudo_set_commit_reveal_weights_enabled', { enabled: false }),
    asRoot('sudo_set_weights_set_rate_limit', { weights_set_rate_limit: 0n }),
  );
  await land(asRoot('sudo_set_tempo', { tempo: 20 }));
  // permits are given at an epoch
  for (let i = 0; i < 41; i++) node.localnet.produceBlock();
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-doctor-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

interface Row {
  readonly section: string;
  readonly about?: string;
  /** of the section `earnings` */
  readonly beside: Record<'weight' | 'weights', number> &
    Record<'basis' | 'said' | 'alphaPerEpochRao', string>;
  readonly minersPerBlockRao: string;
  readonly recycledPerBlockRao?: string;
}

/** Blocks come until its clock is told by theirs: what is foreseen hangs on how many there are. */
async function runOnce(flags: Record<string, unknown>) {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  let running = true;
  const blocks = (async () => {
    while (running && !out.includes('clock')) {
      node.localnet.produceBlock();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const given = { json: true, network: [node.url], netuid: 1, threads: 1, ...flags };
  const ended = await doctor(given, new AbortController().signal).then(
    (code) => ({ code, message: '' }),
    (error: Error) => ({ code: exitCodeOf(error), message: error.message }),
  );
  running = false;
  await blocks;
  vi.restoreAllMocks();
  const rows: Row[] =
    given.json && ended.message === ''
      ? out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [];
  const of = (section: string) => rows.filter((row) => row.section === section);
  const check = (about: string) => of('check').find((row) => row.about === about);
  return { ...ended, out, of, check };
}

/** Until the machine was in time: its clock is the real one, and a busy one may be late for a proof, which is not what is asked here. */
async function run(flags: Record<string, unknown>): ReturnType<typeof runOnce> {
  for (;;) {
    const done = await runOnce(flags);
    if (!done.out.includes('rejected:window')) return done;
  }
}

/** What the chain pays the miner, once a validator's row is as foreseen, of what was foreseen. */
async function partPaid({ weight, weights, alphaPerEpochRao }: Row['beside']): Promise<number> {
  const row = [
    [0, weights - weight],
    [2, weight],
  ] as const;
  await node.land(chain.setWeights(validator, netuid, row, 0n));
  for (let i = 0; i < 45; i++) node.localnet.produceBlock();
  const { neurons } = await chain.subnet(netuid);
  return Number(neurons[2]!.emissionRao) / Number(alphaPerEpochRao);
}

const provenSmall = { subnet: true, proofs: true, small: true, kind: ['storage'] };

describe('a hotkey that nobody registered', () => {
  test('is told what it costs and how, and the command fails', async () => {
    const stranger = devKeypair('stranger').address;
    const done = await run({ subnet: true, hotkey: stranger });
    expect(done.message).toBe('');
    expect(done.code).toBe(1);
    expect(done.check('registration')).toMatchObject({
      state: 'failed',
      said: expect.stringMatching(/is not registered in subnet 1; that costs \d+(\.\d+)? TAO now/),
      fix: expect.stringMatching(
        /^assay chain register --netuid 1 --wallet NAME --hotkey NAME --price-limit \d/,
      ),
    });
    expect(done.of('summary')).toMatchObject([{ ok: false, failed: 1, proven: 0 }]);
  });
});

describe('a miner on the subnet', () => {
  test('is told of its uid, its stake, that it announced nothing, and by which policy it is paid', async () => {
    const done = await run({ subnet: true, hotkey: miner.address });
    expect(done.code).toBe(1);
    expect(done.check('registration')).toMatchObject({
      state: 'ok',
      said: expect.stringMatching(/^uid 2 of subnet 1 since block \d+/),
    });
    expect(done.check('axon')).toMatchObject({
      state: 'failed',
      fix: expect.stringContaining('assay miner start'),
    });
    expect(done.check('policy')).toMatchObject({
      state: 'ok',
      said: 'compute, of this build: the owner published none',
    });
    // a manual localnet's time is that of its blocks, years behind
    expect(done.check('clock')).toMatchObject({
      state: 'unknown',
      said: expect.stringContaining('whose time need not be ours'),
    });
    // and nothing was proven that could be paid
    expect(done.check('earnings')).toMatchObject({
      state: 'unknown',
      said: expect.stringContaining('nothing was proven'),
    });
  });

  test('is foreseen to the rao: what the chain pays for the row that a validator sets by the policy', async () => {
    const policy = join(folder, 'policy.json');
    writeFileSync(
      policy,
      JSON.stringify({
        format: 'assay-scoring-policy/1',
        name: 'quarter-burned',
        burn: 0.25,
        pools: [
          {
            name: 'disks',
            share: 0.75,
            match: { kinds: ['storage'] },
            simulatedPrices: { storageBytes: { of: 491_520, counts: 1 } },
            target: 2,
          },
        ],
      }),
    );
    const done = await run({ ...provenSmall, hotkey: miner.address, policy });
    expect(done.of('proof')).toMatchObject([{ kind: 'storage', class: 'small', state: 'proven' }]);
    expect(done.check('policy')).toMatchObject({
      state: 'warning',
      said: expect.stringMatching(/^quarter-burned, as you named it: another counts/),
    });
    const [earnings] = done.of('earnings');
    // 1 alpha a block, less 11796/65535 for the owner, half of the rest; a small plot is worth 1 of the 2 that are bought
    expect(earnings).toMatchObject({
      worth: { disks: 1 },
      minersPerBlockRao: '410002288',
      blocksPerEpoch: 20,
      firstEpoch: 1,
      beside: {
        basis: 'nobody',
        // 3/8 is paid, 5/8 burned: the largest is 65535
        weight: 39_321,
        weights: 104_856,
        alphaPerEpochRao: '3075017160',
        alphaPerDayRao: '53136296524800',
      },
    });

    // a validator that goes by the same policy sets that row
    expect(await partPaid(earnings!.beside)).toBeCloseTo(1, 5);

    // and now that it is paid, the line of it says so
    const after = await run({ subnet: true, hotkey: miner.address });
    expect(after.check('paid now')).toMatchObject({
      state: 'ok',
      said: expect.stringMatching(/^incentive \d+ of 65535, 3\.07\d+ alpha in the last epoch; 1 miner paid$/),
    });

    // somebody else finds the pool partly filled
    const other = await run({ ...provenSmall, hotkey: devKeypair('stranger').address, policy });
    const [its] = other.of('earnings');
    expect(its!.beside.basis).toBe('filled');
    expect(its!.beside.said).toBe("others fill 49.999 % of the pool's target now, so they are worth 0.99999");
    // two of two: each has 3/8
    expect(Number(its!.beside.alphaPerEpochRao) / 3_075_017_160).toBeCloseTo(1, 3);
  });

  test('has the arithmetic in lines of text, each with its numbers', async () => {
    const done = await run({
      ...provenSmall,
      hotkey: devKeypair('stranger').address,
      json: false,
      othersWorth: ['3'],
    });
    expect(done.message).toBe('');
    expect(done.out).toMatch(/storage small: 492 kB of storage \/ 500 kB x 0\.5 = 0\.49152; /);
    expect(done.out).toContain(' the others are worth what you gave:');
    expect(done.out).toMatch(
      /less 11796\/65535 for its owner, half of the rest is the miners': 0\.410002288 a block, x 20 blocks = 8\.20004576 an epoch/,
    );
    expect(done.out).toMatch(
      /8\.20004576 x \d+ \/ \d+ = \d\.\d+ alpha an epoch; 345600 blocks a day = \d+\.\d+ alpha a day/,
    );
    expect(done.out).toMatch(/TAO for 1 alpha: \d+(\.\d+)? TAO a day/);
  });

  test('is foreseen what is left where root has stakers, whose part the chain recycles at low prices', async () => {
    await land(['add_stake', { hotkey: validator.address, netuid: 0, amount_staked: 900_000n * TAO }]);
    const done = await run({ ...provenSmall, hotkey: miner.address });
    const [earnings] = done.of('earnings');
    const { minersPerBlockRao, recycledPerBlockRao, beside } = earnings!;
    // root has nearly all of it, and would have had as much of the validators' half
    expect(Number(recycledPerBlockRao)).toBeGreaterThan(350_000_000);
    expect(2 * Number(minersPerBlockRao) + Number(recycledPerBlockRao)).toBeCloseTo(820_004_577, -1);
    // alpha is made meanwhile, and root's part becomes less by it: some 20 millionths in each block
    expect(await partPaid(beside)).toBeCloseTo(1, 1.7);
  });

  test.each([
    [{ othersWorth: ['many'] }, '--others-worth: expected a number, or pool=number, got many'],
    [{ netuid: 9, subnet: true }, /does not know subnet 9: check --netuid/],
    [{ hotkey: 'no-such', wallet: 'none', walletPath: '/nowhere', subnet: true }, /none|no-such/],
    [
      { subnet: true, data: '/nowhere/at/all' },
      '--data: expected a folder that is there, got /nowhere/at/all',
    ],
    [{ subnet: true, policy: '/nowhere.json' }, /nowhere/],
  ])('refuses %o', async (flags, message) => {
    const { code, message: said } = await run({ hotkey: miner.address, ...flags });
    expect(code).toBeGreaterThan(0);
    expect(said).toMatch(message);
  });
});
