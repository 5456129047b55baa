// Owns: what is asked of a running localnet: advance, faucet, fault, snapshot. Does not own: starting one (localnet.ts).
import { z } from 'zod';
import type { Header } from '../../chain/codec/header.js';
import { runtime } from '../../chain/codec/runtime.js';
import { decode } from '../../chain/codec/scale.js';
import { type SavedState, saveState } from '../../localnet/save.js';
import { fromHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { systemParts } from '../assemble.js';
import { chainOf, integerBetween, loadFlags } from '../config.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { createProgress } from '../progress.js';
import { raoOf, taoText } from '../tao.js';
import { accountOf } from './localnet.js';
import { type NodeRpc, withNode } from './localnet-node.js';

const POLL_MS = 100;
/** Blocks made by one call: enough to be quick, few enough to say how far it is. */
const BATCH = 50;
/** After which a block that should come does not. */
const PATIENCE_MS = 30_000;
const KEYS_PER_PAGE = 1000;
/** A page of values stays far below what a node buffers for a connection. */
const VALUES_PER_PAGE = 250;

const shared = {
  chain: z
    .string()
    .max(512)
    .regex(/^wss?:\/\/.+/, 'expected ws:// or wss://')
    .default('ws://127.0.0.1:9944'),
  json: z.boolean().default(false),
};
type Flags = Record<string, unknown>;

export async function advance(count: unknown, flags: Flags, signal: AbortSignal): Promise<number> {
  const { chain, json, blocks } = loadFlags(
    z.strictObject({ ...shared, blocks: integerBetween(1, 10_000_000) }),
    { ...chainOf(flags), blocks: count },
  );
  const { clock } = systemParts;
  return withNode({ clock, signal }, chain, async (node) => {
    const target = (await headNumber(node)) + blocks;
    const makes = await isManual(node);
    const progress = createProgress({ unit: 'blocks', total: blocks });
    try {
      for (let left = blocks; left > 0 && !signal.aborted; ) {
        if (makes) await node.call('dev_newBlock', [Math.min(left, BATCH)]);
        else await nextBlock(node, clock, signal, target - left);
        left = target - (await headNumber(node));
        progress.update(blocks - Math.max(0, left));
      }
    } finally {
      progress.end();
    }
    if (signal.aborted) return EXIT.interrupted;
    const number = await headNumber(node);
    const hash = await node.call('chain_getBlockHash', [number]);
    if (json) printJson({ number, hash });
    else print(`block ${number} ${hash}`);
    return EXIT.ok;
  });
}

export async function faucet(
  account: string,
  tao: string,
  flags: Flags,
  signal: AbortSignal,
): Promise<number> {
  const { chain, json } = loadFlags(z.strictObject(shared), chainOf(flags));
  const address = await accountOf(account);
  const rao = raoOf(tao, 'the amount');
  if (rao === 0n)
    throw new AssayError('invalid-input', 'the amount: expected more than 0, got 0', {
      what: 'the amount',
      expected: 'more than 0',
      got: tao,
    });
  const { clock } = systemParts;
  return withNode({ clock, signal }, chain, async (node) => {
    const hash = await node.call('dev_faucet', [address, rao.toString()]);
    if (await isManual(node)) await node.call('dev_newBlock');
    else await included(node, clock, signal, String(hash));
    if (signal.aborted) return EXIT.interrupted;
    const freeRao = await freeOf(node, address);
    if (json) printJson({ address, addedRao: rao, freeRao });
    else print(`${address} has ${taoText(freeRao)} TAO`);
    return EXIT.ok;
  });
}

/** Asks for a fault by its method (localnet/faults-rpc.ts). */
export async function fault(
  method: string,
  params: readonly unknown[],
  flags: Flags,
  signal: AbortSignal,
): Promise<number> {
  const { chain, json } = loadFlags(z.strictObject(shared), chainOf(flags));
  const { clock } = systemParts;
  return withNode({ clock, signal }, chain, async (node) => {
    const result = await node.call(method, params);
    // connections may be gone by now, ours too
    const faults = method === 'dev_dropConnections' ? undefined : await node.call('dev_faults');
    if (json)
      printJson({
        ...(result === null || method === 'dev_faults' ? {} : { result }),
        ...(faults === undefined ? {} : { faults }),
      });
    else print(faultText(method, result, faults));
    return EXIT.ok;
  });
}

function faultText(method: string, result: unknown, faults: unknown): string {
  if (method === 'dev_reorg') return `the head is now ${result}`;
  if (method === 'dev_upgradeRuntime') return `spec version ${result} with the next block`;
  if (method === 'dev_dropConnections') return 'dropped';
  const active = Object.entries(faults as Readonly<Record<string, unknown>>).filter(([, value]) =>
    isActive(value),
  );
  if (active.length === 0) return 'no faults';
  return active.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join('\n');
}

const isActive = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);

export async function snapshot(file: string, flags: Flags, signal: AbortSignal): Promise<number> {
  const { chain, json } = loadFlags(z.strictObject(shared), chainOf(flags));
  if (file === '-') throw invalid('the file', 'a path: a snapshot is no text', '-');
  const { clock } = systemParts;
  return withNode({ clock, signal }, chain, async (node) => {
    const at = String(await node.call('chain_getFinalizedHead'));
    const saved = await readState(node, at, signal);
    if (saved === undefined) return EXIT.interrupted;
    saveState(file, saved);
    const { number } = saved.header;
    if (json) printJson({ file, number, hash: at, entries: saved.storage.length });
    else print(`block ${number} with ${saved.storage.length} storage entries in ${file}`);
    return EXIT.ok;
  });
}

/** All storage as of a block that stays readable while it is read. */
async function readState(node: NodeRpc, at: string, signal: AbortSignal): Promise<SavedState | undefined> {
  const keys: string[] = [];
  for (;;) {
    const page = (await node.call('state_getKeysPaged', [
      '0x',
      KEYS_PER_PAGE,
      keys.at(-1) ?? null,
      at,
    ])) as string[];
    if (signal.aborted) return undefined;
    keys.push(...page);
    if (page.length < KEYS_PER_PAGE) break;
  }
  const storage: (readonly [string, Uint8Array])[] = [];
  const progress = createProgress({ unit: 'entries', total: keys.length });
  try {
    for (let from = 0; from < keys.length; from += VALUES_PER_PAGE) {
      const page = keys.slice(from, from + VALUES_PER_PAGE);
      const [set] = (await node.call('state_queryStorageAt', [page, at])) as {
        changes: [key: string, value: string][];
      }[];
      if (signal.aborted) return undefined;
      for (const [key, value] of set!.changes) storage.push([key, fromHex(value)]);
      progress.update(storage.length);
    }
  } finally {
    progress.end();
  }
  const { block } = (await node.call('chain_getBlock', [at])) as {
    block: { header: HeaderJson; extrinsics: string[] };
  };
  const genesis = (await node.call('chain_getHeader', [
    await node.call('chain_getBlockHash', [0]),
  ])) as HeaderJson;
  return {
    genesis: toHeader(genesis),
    header: toHeader(block.header),
    extrinsics: block.extrinsics.map(fromHex),
    storage,
  };
}

interface HeaderJson {
  readonly parentHash: string;
  readonly number: string;
  readonly stateRoot: string;
  readonly extrinsicsRoot: string;
}
const toHeader = ({ parentHash, number, stateRoot, extrinsicsRoot }: HeaderJson): Header => ({
  parentHash: fromHex(parentHash),
  number: Number(number),
  stateRoot: fromHex(stateRoot),
  extrinsicsRoot: fromHex(extrinsicsRoot),
});

async function headNumber(node: NodeRpc): Promise<number> {
  const header = (await node.call('chain_getHeader')) as HeaderJson;
  return Number(header.number);
}

async function isManual(node: NodeRpc): Promise<boolean> {
  const { methods } = (await node.call('rpc_methods')) as { methods: readonly string[] };
  return methods.includes('dev_newBlock');
}

async function nextBlock(node: NodeRpc, clock: Clock, signal: AbortSignal, after: number): Promise<void> {
  await until(clock, signal, 'the next block', async () => (await headNumber(node)) > after);
}

async function included(node: NodeRpc, clock: Clock, signal: AbortSignal, hash: string): Promise<void> {
  // root's nonce is taken with the extrinsic: it waits, or it is in a block
  await until(clock, signal, `extrinsic ${hash} in a block`, async () => {
    const pending = (await node.call('author_pendingExtrinsics')) as readonly string[];
    return pending.length === 0;
  });
}

async function until(
  clock: Clock,
  signal: AbortSignal,
  what: string,
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  while (!signal.aborted && !(await holds())) {
    if (clock.monotonic() > deadline)
      throw new AssayError(
        'timeout',
        `${what} did not come; is the chain stalled? (assay localnet fault show)`,
        {
          what,
          afterMs: PATIENCE_MS,
        },
      );
    await clock.sleep(POLL_MS, signal);
  }
}

async function freeOf(node: NodeRpc, address: string): Promise<bigint> {
  const { Account } = runtime.System.storage;
  const value = await node.call('state_getStorage', [Account.key(address)]);
  return value === null ? 0n : decode(Account.value, fromHex(String(value))).data.free;
}
