import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHAIN_LIMITS } from '../../../src/chain/limits.js';
import { readBlock } from '../../../src/chain/subtensor/blocks.js';
import { createExtrinsic, toCall } from '../../../src/chain/subtensor/calls.js';
import { type Connection, openConnection } from '../../../src/chain/subtensor/connection.js';
import type { Operation } from '../../../src/chain/subtensor/operations/operation.js';
import { currentRuntime } from '../../../src/chain/subtensor/runtime.js';
import { createState } from '../../../src/chain/subtensor/state.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { fromHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { isAssayError } from '../../../src/model/errors.js';
import { silentLog } from '../../../src/model/log.js';
import { everyOperation } from '../../support/every-operation.js';
import { type CannedNode, serveCanned } from './canned-node.js';
import { startLocalnet } from './localnet-node.js';

const parts = { clock: systemClock, log: silentLog, limits: CHAIN_LIMITS };

async function open(node: CannedNode): Promise<Connection> {
  await readyKeys();
  return openConnection({ ...parts, urls: [node.url], genesis: undefined });
}

/** Encodes it, and reads all that its checks and effects look at, from a chain without any state. */
async function goThrough(connection: Connection, operation: Operation): Promise<void> {
  const extrinsic = createExtrinsic(connection, toCall(connection, operation));
  const again = connection.api.registry.createType('Call', extrinsic.method.toU8a());
  expect(again.toHex()).toBe(extrinsic.method.toHex());
  const head = await readBlock(connection);
  const state = createState(connection, parts, {
    signer: devKeypair('cold').address,
    block: 43,
    at: head.hash,
    runtime: currentRuntime(connection.api),
  });
  const effects = [...operation.effects, ...(operation.items?.of ?? []).flatMap((item) => item.effects)];
  expect(effects.length, 'effects').toBeGreaterThan(0);
  await Promise.all([
    ...operation.checks.map((check) => check(state)),
    ...effects.map((effect) => effect({ after: state, events: [] })),
  ]);
}

/** Calls that a localnet has no use for. */
const LOCALNET_MAY_LACK: ReadonlySet<string> = new Set([
  'swapHotkey',
  'swapHotkey everywhere',
  'updateSymbol',
  'hyperparameter coldkey_swap_announcement_delay',
  'hyperparameter coldkey_swap_reannouncement_delay',
  'hyperparameter net_tao_flow_enabled',
  'asProxy',
]);

describe('under the metadata of the localnet', () => {
  let node: CannedNode;
  let connection: Connection;
  beforeAll(async () => {
    const localnet = await startLocalnet();
    const metadata = await localnet.localnet.rpc('state_getMetadata');
    await localnet.goDown();
    node = await serveCanned(fromHex(String(metadata)));
    connection = await open(node);
  });
  afterAll(async () => {
    await connection?.close();
    await node?.close();
  });

  it('every operation encodes, and what it reads is there, or it says what the chain lacks', async () => {
    for (const [name, operation] of everyOperation())
      try {
        await goThrough(connection, operation);
      } catch (error) {
        if (!isAssayError(error, 'unsupported') || !LOCALNET_MAY_LACK.has(name))
          throw new Error(name, { cause: error });
        expect(error.message).toContain('it has no call');
      }
  });

  it('constants are those of the block’s runtime, not of the newest', async () => {
    const { hash: at } = await readBlock(connection);
    const runtime = currentRuntime(connection.api);
    const of = { signer: devKeypair('cold').address, block: 43, at };
    const now = createState(connection, parts, { ...of, runtime });
    expect(now.constant('Balances', 'ExistentialDeposit')).toBe(500);
    const before = createState(connection, parts, { ...of, runtime: { ...runtime, constants: {} } });
    expect(before.constant('Balances', 'ExistentialDeposit')).toBeUndefined();
  });

  it('a variant that the chain’s type has not is what the chain lacks, and no mistake of the caller', () => {
    const args = [7, { fields: [{ OfAnotherTime: '0x01' }] }];
    expect(() =>
      createExtrinsic(connection, { pallet: 'Commitments', name: 'set_commitment', args }),
    ).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        data: {
          what: 'Commitments.set_commitment',
          why: 'its Commitments.set_commitment knows no OfAnotherTime',
        },
      }),
    );
    const wrong = [70_000, { fields: [] }];
    expect(() =>
      createExtrinsic(connection, { pallet: 'Commitments', name: 'set_commitment', args: wrong }),
    ).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});

// metadata V16 of Subtensor's mainnet, spec 424; not part of the repository (CONTRIBUTING.md, Tests)
const path = process.env.ASSAY_TEST_METADATA;
if (!path) console.warn("skipped: no real chain's metadata; ASSAY_TEST_METADATA names its file");

describe.skipIf(!path)('under the metadata of the main network', () => {
  let node: CannedNode;
  let connection: Connection;
  beforeAll(async () => {
    node = await serveCanned(readFileSync(path!));
    connection = await open(node);
  });
  afterAll(async () => {
    await connection?.close();
    await node?.close();
  });

  it('every operation encodes, and what it reads is there', async () => {
    for (const [name, operation] of everyOperation())
      await goThrough(connection, operation).catch((cause: unknown) => {
        throw new Error(name, { cause });
      });
  });

  it('is asked in the form that it has, byte for byte', () => {
    const operations = everyOperation();
    const hexOf = (name: string) =>
      createExtrinsic(connection, toCall(connection, operations.get(name)!)).method.toHex();
    const ones = '01'.repeat(32);
    // pallet 7, call 101: hotkey, amount, netuid, in that order
    expect(hexOf('recycleAlpha')).toBe(`0x0765${ones}00ca9a3b000000000700`);
    // call 40: the certificate is the algorithm's byte and the key, 33 bytes
    expect(hexOf('serveAxon with a key').endsWith(`84${'04'}${'05'.repeat(32)}`)).toBe(true);
    // call 68: texts as they are, also one that looks like hex
    expect(hexOf('setIdentity').startsWith('0x0744' + '10' + '30783431')).toBe(true);
    // call 67: Vec<(u64, AccountId)>
    expect(hexOf('setChildren')).toBe(`0x0743${ones}0700040000000000000080${'02'.repeat(32)}`);
    // pallet 18: three fields, Raw5 (tag 6), Sha256 (131), TimelockEncrypted (134) with its bytes' length and the round
    expect(hexOf('setCommitment')).toBe(
      `0x120007000c0668656c6c6f83${'09'.repeat(32)}8680${'09'.repeat(32)}6300000000000000`,
    );
    // call 103: Option<u64> None
    expect(hexOf('removeAllStake')).toBe(`0x0767${ones}070000`);
  });
});
