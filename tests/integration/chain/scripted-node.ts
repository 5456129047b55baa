// A node that says what a test wants: its own heads, finality, clock and runtime versions, under the localnet's metadata.
import { TypeRegistry } from '@polkadot/types';
import { type WebSocket, WebSocketServer } from 'ws';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLocalnet } from '../../../src/localnet/index.js';

interface ScriptedBlock {
  readonly number: number;
  readonly hash: string;
  readonly header: Record<string, unknown>;
  readonly timestampMs: number;
  /** of the code in its state */
  readonly specVersion: number;
}

export interface ScriptedNode {
  readonly url: string;
  /** hex */
  readonly metadata: string;
  readonly blocks: readonly ScriptedBlock[];
  /** Makes the next block and tells of it. @param salt other salts make other hashes */
  push(options?: {
    timestampMs?: number;
    salt?: string;
    specVersion?: number;
    quiet?: boolean;
  }): ScriptedBlock;
  /** Makes this number final and tells of it, whether that makes sense or not. */
  finalize(number: number): void;
  /** Forgets all blocks after `number`. */
  rewind(number: number): void;
  /** Has from now on what the other one has. */
  copy(other: ScriptedNode): void;
  /** Answers of its own instead of the usual ones; undefined: no answer at all. */
  readonly answers: Record<string, (params: readonly unknown[]) => unknown>;
  /** Requests seen so far, by method. */
  readonly asked: Map<string, number>;
  readonly connections: number;
  /** Sends a text to everybody connected. */
  shout(text: string): void;
  /** Drops all connections; new ones are taken. */
  drop(): void;
  close(): Promise<void>;
}

const registry = new TypeRegistry();
const zero = `0x${'00'.repeat(32)}`;
const TIMESTAMP_KEY = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';

let metadata: Promise<string> | undefined;
async function localnetMetadata(): Promise<string> {
  await readyKeys();
  const localnet = await createLocalnet({ sudo: devKeypair('scripted').address, manual: true });
  return (await localnet.rpc('state_getMetadata')) as string; // hex, by its own definition
}

export async function serveScripted({
  genesis = 'genesis',
  chainType = 'Development',
  timestampMs = 0,
}: {
  genesis?: string;
  chainType?: string;
  timestampMs?: number;
} = {}): Promise<ScriptedNode> {
  metadata ??= localnetMetadata();
  const metadataHex = await metadata;
  const subscriptions = new Map<string, { socket: WebSocket; kind: string }>();
  let lastId = 0;
  let final = 0;
  let blocks: ScriptedBlock[] = [];
  const asked = new Map<string, number>();

  function make(
    number: number,
    parentHash: string,
    salt: string,
    at: number,
    specVersion: number,
  ): ScriptedBlock {
    const stateRoot = registry
      .createType('Hash', `0x${Buffer.from(salt.padEnd(32, '.')).toString('hex')}`)
      .toHex();
    const header = {
      parentHash,
      number: `0x${number.toString(16)}`,
      stateRoot,
      extrinsicsRoot: zero,
      digest: { logs: [] },
    };
    const hash = registry.createType('Header', header).hash.toHex();
    return { number, hash, header, timestampMs: at, specVersion };
  }
  blocks = [make(0, zero, genesis, timestampMs, 1)];

  const best = () => blocks.at(-1)!;
  const block = (hash: unknown) =>
    hash === undefined || hash === null ? best() : blocks.find((one) => one.hash === hash);
  const hashAt = (number: unknown) => blocks[Number(number)]?.hash ?? null;
  const version = (specVersion: number) => ({
    specName: 'scripted',
    implName: 'scripted',
    authoringVersion: 1,
    specVersion,
    implVersion: 1,
    apis: [],
    transactionVersion: 1,
    stateVersion: 1,
  });
  const tell = (kind: string, result: unknown) => {
    for (const [id, { socket, kind: of }] of subscriptions)
      if (of === kind)
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: kind, params: { subscription: id, result } }));
  };

  const usual: Record<string, (params: readonly unknown[]) => unknown> = {
    chain_getBlockHash: ([at]) =>
      at === undefined || at === null ? best().hash : Array.isArray(at) ? at.map(hashAt) : hashAt(at),
    chain_getHeader: ([hash]) => block(hash)?.header ?? null,
    chain_getFinalizedHead: () => hashAt(final),
    chain_getBlock: ([hash]) => {
      const found = block(hash);
      return found ? { block: { header: found.header, extrinsics: [] }, justifications: null } : null;
    },
    state_getRuntimeVersion: ([hash]) => version(block(hash)!.specVersion),
    state_getMetadata: () => metadataHex,
    state_getStorage: ([key, hash]) => {
      if (key !== TIMESTAMP_KEY) return null;
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(block(hash)!.timestampMs));
      return `0x${bytes.toString('hex')}`;
    },
    system_chainType: () => chainType,
    system_chain: () => 'scripted',
    system_accountNextIndex: () => 0,
  };
  const events: Record<string, string> = {
    chain_subscribeNewHeads: 'chain_newHead',
    chain_subscribeFinalizedHeads: 'chain_finalizedHead',
    state_subscribeRuntimeVersion: 'state_runtimeVersion',
  };
  const first: Record<string, () => unknown> = {
    chain_newHead: () => best().header,
    chain_finalizedHead: () => blocks[final]?.header,
    state_runtimeVersion: () => version(best().specVersion),
  };

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    socket.on('close', () => {
      for (const [id, { socket: of }] of subscriptions) if (of === socket) subscriptions.delete(id);
    });
    socket.on('message', (data) => {
      const { id, method, params } = JSON.parse(String(data)) as {
        id: number;
        method: string;
        params: readonly unknown[];
      };
      asked.set(method, (asked.get(method) ?? 0) + 1);
      const reply = (rest: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
      const own = node.answers[method];
      const event = events[method];
      try {
        if (own) {
          const result = own(params);
          if (result !== undefined) reply({ result });
        } else if (event !== undefined) {
          const subscription = `sub${++lastId}`;
          reply({ result: subscription });
          subscriptions.set(subscription, { socket, kind: event });
          const result = first[event]!();
          socket.send(JSON.stringify({ jsonrpc: '2.0', method: event, params: { subscription, result } }));
        } else if (/_unsubscribe|unwatch/.test(method))
          reply({ result: subscriptions.delete(String(params[0])) });
        else if (usual[method]) reply({ result: usual[method](params) });
        else reply({ error: { code: -32601, message: `Method not found: ${method}` } });
      } catch (error) {
        const { code = -32000, data: more } = error as { code?: number; data?: unknown };
        reply({
          error: { code, message: error instanceof Error ? error.message : String(error), data: more },
        });
      }
    });
  });
  const address = server.address();
  const node: ScriptedNode = {
    url: `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    metadata: metadataHex,
    get blocks() {
      return blocks;
    },
    answers: {},
    asked,
    get connections() {
      return server.clients.size;
    },
    push({ timestampMs: at = 0, salt = 'block', specVersion = best().specVersion, quiet = false } = {}) {
      const parent = best();
      const made = make(parent.number + 1, parent.hash, salt, at, specVersion);
      blocks = [...blocks, made];
      if (!quiet) tell('chain_newHead', made.header);
      if (!quiet && specVersion !== parent.specVersion) tell('state_runtimeVersion', version(specVersion));
      return made;
    },
    finalize(number) {
      final = number;
      tell('chain_finalizedHead', blocks[number]!.header);
    },
    rewind(number) {
      blocks = blocks.slice(0, number + 1);
    },
    copy(other) {
      blocks = [...other.blocks];
    },
    shout(text) {
      for (const socket of server.clients) socket.send(text);
    },
    drop() {
      for (const socket of server.clients) socket.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
  return node;
}
