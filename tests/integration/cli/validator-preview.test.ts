import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { registerLedger } from '../../../src/cli/ledger-group.js';
import type { ChainClient } from '../../../src/cli/networks.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { type Keypair, keypairFromUri } from '../../../src/keys/index.js';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import type { AssayError } from '../../../src/model/errors.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { POLICIES, receiptMessage, type UsageReceipt } from '../../../src/scoring/index.js';
import { openLedger } from '../../../src/validator/ledger/ledger.js';
import { soon } from '../../support/soon.js';
import { bytes32, outcomeEntry } from '../../unit/validator/ledger/entry.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

const TAO = 1_000_000_000n;
const SUBNET = toNetuid(1);
const OURS = '//Validator';

let node: LocalnetNode;
let chain: ChainClient;
let folder: string;
const key = (name: string): Keypair => keypairFromUri(`//${name}`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-preview-'));
  node = await startLocalnet({ tempo: 24 });
  const { connectSubtensor } = await import('../../../src/chain/subtensor/connect.js');
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  await node.land(chain.registerNetwork(node.root, toHotkey(key('Owner').address)));
  await node.land(chain.startCall(node.root, SUBNET));
  for (const call of [
    ['sudo_set_commit_reveal_weights_enabled', false],
    ['sudo_set_weights_set_rate_limit', 0],
  ] as const)
    await node.land(chain.sudo(node.root, { call: call[0], args: [1, call[1]] }));
  for (const name of ['Validator', 'Other', 'Good', 'Half'])
    await node.land(chain.burnedRegister(node.root, SUBNET, toHotkey(key(name).address)));
  // more than half of the stake, so that its row alone is consensus and leaves bonds
  await node.land(chain.addStake(node.root, SUBNET, toHotkey(key('Other').address), 1100n * TAO));
  await node.land(chain.addStake(node.root, SUBNET, toHotkey(key('Validator').address), 700n * TAO));
  await untilEpochIsOver(); // permits come with it
  await node.land(
    chain.setWeights(
      key('Other'),
      SUBNET,
      [
        [3, 65_535],
        [4, 9_000],
      ],
      0n,
    ),
  );
  await untilEpochIsOver(); // and bonds
  await evidence();
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
  rmSync(folder, { recursive: true });
});

async function untilEpochIsOver(): Promise<void> {
  const { nextEpochBlock } = await chain.subnet(SUBNET);
  while (node.localnet.head().number < nextEpochBlock!) node.localnet.produceBlock();
  // the client follows heads on its own
  await soon(async () => expect((await chain.head()).number).toBe(nextEpochBlock));
}

/** One event of the present epoch, in which `Good` proved twice what `Half` did. */
async function evidence(): Promise<void> {
  const { epochIndex: epoch, block } = await chain.subnet(SUBNET);
  const { genesisHash } = await chain.info();
  const keypair = keypairFromUri(OURS);
  const ledger = await openLedger({
    dir: join(folder, 'ledger'),
    genesisHash,
    netuid: 1,
    keypair,
    random: createSeededRandom('preview'),
    log: silentLog,
  });
  const event = { event: toHex(bytes32(`${epoch}`)), epoch, block, basis: bytes32('basis') };
  await ledger.append({ type: 'event-started', ...event });
  for (const [name, opsPerS] of [
    ['Good', 1e15],
    ['Half', 5e14],
  ] as const) {
    const made = outcomeEntry(`${name} ${epoch}`, { epoch, event: `${epoch}`, miner: key(name).address });
    const validator = toHotkey(keypair.address);
    const proven = { credit: { opsPerS }, share: 1, netuid: 1, validator };
    await ledger.append({ ...made, outcome: { ...made.outcome, ...proven } });
  }
  await ledger.append({ type: 'event-completed', ...event });
  await ledger.close();
}

async function preview(...args: readonly string[]) {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  let code: number | undefined;
  let error: unknown;
  const program = new Command('assay').exitOverride();
  registerLedger(program.command('validator'), async (command) => {
    code = await command(new AbortController().signal);
  });
  const all = ['validator', 'preview', '--data', folder, '--network', node.url, ...args];
  await program.parseAsync(all, { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
    code = exitCodeOf(thrown);
  });
  vi.restoreAllMocks();
  return { code, out, error: error as AssayError | undefined };
}

/** What the chain's epoch made of it, by uid. */
async function outcomes() {
  const { neurons } = await chain.snapshot(SUBNET);
  return neurons.map(({ consensus, incentive, dividends, validatorTrust, validatorPermit: permit }) => ({
    consensus,
    incentive,
    dividends,
    validatorTrust,
    permit,
  }));
}

test('is what the next epoch makes of the row and of leaving it, to the last unit', async () => {
  const left = JSON.parse((await preview('--json')).out);
  const withoutRao = (of: 'with' | 'without', { neurons }: typeof left) =>
    neurons.map((neuron: Record<string, object>) => {
      const { emissionRao: _, ...rest } = neuron[of] as { emissionRao: string };
      return rest;
    });
  expect(left.row).toEqual([
    [3, 65_535],
    [4, 32_768],
  ]);
  expect(left).toMatchObject({ uid: 1, standing: [], commitReveal: false, policy: expect.any(String) });
  await untilEpochIsOver();
  expect(await outcomes()).toEqual(withoutRao('without', left));

  // the epoch after it: what was proven in the one before is carried
  const set = JSON.parse((await preview('--json')).out);
  expect(set.row).toEqual(left.row);
  await node.land(chain.setWeights(keypairFromUri(OURS), SUBNET, set.row, 0n));
  await untilEpochIsOver();
  const made = await outcomes();
  expect(made).toEqual(withoutRao('with', set));
  expect(made).not.toEqual(withoutRao('without', set));
  expect(made[1]!.dividends).toBeGreaterThan(0);
  expect(left.neurons[2].without.dividends).toBe(65_535);
});

/** A receipt of all blocks of the present epoch, with changes, signed by whom it names. */
async function receipt(change: Partial<UsageReceipt> = {}, by = 'Market'): Promise<string> {
  const { epochIndex: epoch, lastEpochBlock, nextEpochBlock } = await chain.subnet(SUBNET);
  const unsigned = {
    format: 'assay-usage-receipt/1' as const,
    netuid: 1,
    epoch,
    miner: key('Half').address,
    slot: 0,
    fromBlock: lastEpochBlock,
    toBlock: nextEpochBlock!,
    signer: key(by).address,
    ...change,
  };
  return JSON.stringify({ ...unsigned, signature: toHex(key(by).sign(receiptMessage(unsigned))) });
}

test('pays what usage receipts say was used, and refuses those that do not count before anything runs', async () => {
  await evidence();
  const [policy, receipts] = [join(folder, 'rented.json'), join(folder, 'receipts.jsonl')];
  const signers = [key('Market').address, key('Half').address, key('Good').address];
  writeFileSync(policy, JSON.stringify({ ...POLICIES.compute, rented: { signers, idle: 0.5 } }));
  const withReceipts = (...lines: readonly string[]) => {
    writeFileSync(receipts, `${lines.join('\n')}\n`);
    return preview('--policy', policy, '--receipts', receipts, '--json');
  };
  const used = await withReceipts(await receipt(), await receipt({ epoch: 0 }));
  expect(used.error).toBeUndefined();
  // half of what `Good` proved is idle pay; what `Half` proved was used all the time
  expect(JSON.parse(used.out).row).toEqual([
    [3, 65_535],
    [4, 65_535],
  ]);
  for (const [lines, why] of [
    [[await receipt({ signer: key('Half').address }, 'Half')], /:1: .* signed by the miner itself/],
    [[await receipt({}, 'Market'), await receipt({}, 'Market')], /:2: .* there twice/],
    [[await receipt({ signer: key('Market').address }, 'Other')], /:1: .* its signer did not sign/],
    [[await receipt({ netuid: 2 })], /:1: .* of another subnet/],
    [['{'], /:1: .* something else/],
  ] as const) {
    const { code, out, error } = await withReceipts(...lines);
    expect([code, out]).toEqual([2, '']);
    expect(error!.message).toMatch(why);
  }
  expect(await preview('--receipts', receipts)).toMatchObject({
    code: 2,
    error: { message: '--receipts: expected a policy that says whose receipts count, got compute' },
  });
});

test('says whose rows are not known, and refuses the ledger of another subnet', async () => {
  expect(await preview('--netuid', '2')).toMatchObject({
    code: 2,
    out: '',
    error: { message: expect.stringMatching(/: expected the ledger of subnet 2, got one of subnet 1$/) },
  });
  const call = 'sudo_set_commit_reveal_weights_enabled';
  await node.land(chain.sudo(node.root, { call, args: [1, true] }));
  await node.land(chain.commitWeights(key('Other'), SUBNET, bytes32('a row')));
  const seen = JSON.parse((await preview('--policy', 'compute', '--json')).out);
  expect(seen).toMatchObject({ commitReveal: true, unknown: { committed: [2], roundedStakes: [] } });
  const { out } = await preview('--policy', 'compute');
  expect(out).toMatch(/not known +rows that are committed and not revealed, of uid 2: shown as they stand/);
  expect(out).toMatch(/weights are sealed +shown as if they were revealed by then/);
});
