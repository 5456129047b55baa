// A node that serves given metadata and storage and refuses every extrinsic, after checking its signature: enough to
// see whether our door speaks a real chain's types. It makes no blocks; the localnet does that.
import { decorateStorage, Metadata, TypeRegistry, unwrapStorageType } from '@polkadot/types';
import { compactAddLength, compactStripLength, hexToU8a, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { type WebSocket, WebSocketServer } from 'ws';
import { verifySignature } from '../../../src/keys/keypair.js';
import { concat } from '../../../src/model/bytes.js';

export interface CannedNode {
  readonly url: string;
  set(pallet: string, item: string, args: readonly unknown[], value: unknown): void;
  /** What a runtime API answers from now on; the type's default before. */
  answer(api: string, value: unknown): void;
  /** whether the metadata has `Pallet.Item`, or a runtime API by Trait_method */
  readonly has: { item(name: string): boolean; api(name: string): boolean };
  /** runtime APIs called so far, as Trait_method, with decoded arguments */
  readonly asked: { api: string; args: unknown[] }[];
  /** `pallet.call` and arguments of the extrinsics refused so far, and whether their signatures were right */
  readonly refused: { call: string; args: unknown; signed: boolean }[];
  close(): Promise<void>;
}

const VERSION = {
  specName: 'node-subtensor',
  implName: 'node-subtensor',
  authoringVersion: 1,
  specVersion: 424,
  implVersion: 1,
  // Metadata runtime API (blake2_64 of its name), version 2: as real nodes have it
  apis: [['0x37e397fc7c91f5e4', 2]],
  transactionVersion: 1,
  stateVersion: 1,
};

export async function serveCanned(metadata: Uint8Array): Promise<CannedNode> {
  const registry = new TypeRegistry();
  const types = new Metadata(registry, u8aToHex(metadata));
  registry.setMetadata(types, undefined, undefined, true);
  const items = decorateStorage(registry, types.asLatest, types.version);
  const storage = new Map<string, string>();
  const refused: CannedNode['refused'] = [];
  const asked: CannedNode['asked'] = [];
  const answers = new Map<string, unknown>();
  const itemNames = new Set(
    types.asLatest.pallets.flatMap(({ name, storage: opt }) =>
      opt.isSome ? opt.unwrap().items.map((item) => `${name}.${item.name}`) : [],
    ),
  );
  const apis = new Map(
    types.asLatest.apis.flatMap(({ name, methods }) =>
      methods.map((method) => [`${name}_${method.name}` as string, method] as const),
    ),
  );

  const zero = `0x${'00'.repeat(32)}`;
  const digest = { logs: [] };
  const genesis = { parentHash: zero, number: '0x0', stateRoot: zero, extrinsicsRoot: zero, digest };
  const hashOf = (header: unknown) => registry.createType('Header', header).hash.toHex();
  const head = { ...genesis, parentHash: hashOf(genesis), number: '0x2a' };
  const headers = new Map([genesis, head].map((header) => [hashOf(header) as string, header]));

  // Option<OpaqueMetadata>: Some, then bytes with their length
  const opaque = u8aToHex(concat(Uint8Array.of(1), compactAddLength(metadata)));
  const methods: Record<string, (params: unknown[]) => unknown> = {
    chain_getBlockHash: ([n]) =>
      n === 0 ? hashOf(genesis) : n === 42 || n === undefined ? hashOf(head) : null,
    chain_getHeader: ([hash]) => (hash === undefined ? head : (headers.get(String(hash)) ?? null)),
    chain_getFinalizedHead: () => hashOf(head),
    state_getRuntimeVersion: () => VERSION,
    state_subscribeRuntimeVersion: () => 'versions',
    state_unsubscribeRuntimeVersion: () => true,
    state_call: ([name, data]) => {
      if (name === 'Metadata_metadata_versions')
        return registry.createType('Vec<u32>', [types.version]).toHex();
      if (name === 'Metadata_metadata_at_version') return opaque;
      return callApi(String(name), hexToU8a(String(data)));
    },
    state_getKeysPaged: ([prefix, count, after]) =>
      [...storage.keys()]
        .filter((key) => key.startsWith(String(prefix)) && (after === null || key > String(after)))
        .sort()
        .slice(0, Number(count)),
    state_getMetadata: () => u8aToHex(metadata),
    state_getStorage: ([key]) => storage.get(String(key)) ?? null,
    state_queryStorageAt: ([keys, at]) => [
      {
        block: at ?? hashOf(head),
        changes: (keys as string[]).map((key) => [key, storage.get(key) ?? null]),
      },
    ],
    system_chain: () => 'canned',
    system_chainType: () => ({ Custom: 'canned' }),
    system_properties: () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' }),
    system_accountNextIndex: () => 7,
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    rpc_methods: () => ({ methods: Object.keys(methods) }),
    author_submitAndWatchExtrinsic: ([hex]) => {
      refused.push(inspect(String(hex)));
      throw Object.assign(new Error('Invalid Transaction'), { code: 1010, data: 'Custom error: 255' });
    },
  };

  function callApi(name: string, data: Uint8Array): string {
    const method = apis.get(name);
    if (!method) throw Object.assign(new Error(`no ${name}`), { code: 4003 });
    let at = 0;
    const args = method.inputs.map(({ type }) => {
      const arg = registry.createTypeUnsafe(registry.createLookupType(type), [data.subarray(at)]);
      at += arg.encodedLength;
      return arg.toPrimitive();
    });
    if (at !== data.length) throw Object.assign(new Error(`${name}: bytes left over`), { code: 4003 });
    asked.push({ api: name, args });
    const output = registry.createLookupType(method.output);
    const value = answers.has(name) ? [answers.get(name)] : [];
    return u8aToHex(registry.createTypeUnsafe(output, value).toU8a());
  }

  function inspect(hex: string): CannedNode['refused'][number] {
    const extrinsic = registry.createType('Extrinsic', hex);
    const { method, signer } = extrinsic;
    const birth = extrinsic.era.asMortalEra.birth(42);
    const payload = registry.createTypeUnsafe('ExtrinsicPayload', [
      {
        method: method.toHex(),
        era: extrinsic.era.toHex(),
        nonce: extrinsic.nonce.toHex(),
        tip: extrinsic.tip.toHex(),
        mode: extrinsic.mode,
        metadataHash: extrinsic.metadataHash,
        specVersion: VERSION.specVersion,
        transactionVersion: VERSION.transactionVersion,
        genesisHash: hashOf(genesis),
        blockHash: birth === 42 ? hashOf(head) : zero,
      },
      { version: 4 },
    ]);
    const bytes = payload.toU8a({ method: true });
    const message = bytes.length > 256 ? blake2AsU8a(bytes) : bytes;
    const signature = extrinsic.signature.toU8a().slice(-64);
    return {
      call: `${method.section}.${method.method}`,
      args: method.args.map((arg) => arg.toPrimitive()),
      signed: verifySignature(signature, message, signer.toU8a().slice(-32)),
    };
  }

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => socket.on('message', (data) => answer(socket, String(data))));
  function answer(socket: WebSocket, text: string): void {
    const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: unknown[] };
    const reply = (rest: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
    const run = methods[method];
    if (!run) {
      reply({ error: { code: -32601, message: `Method not found: ${method}` } });
      return;
    }
    try {
      reply({ result: run(params) });
    } catch (error) {
      const { code = -32000, data } = error as { code?: number; data?: string };
      reply({ error: { code, message: error instanceof Error ? error.message : String(error), data } });
    }
  }
  const address = server.address();
  return {
    url: `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    refused,
    asked,
    has: { item: (name) => itemNames.has(name), api: (name) => apis.has(name) },
    answer: (api, value) => void answers.set(api, value),
    set(pallet, name, args, value) {
      const item = items[pallet]![name]!; // a test's own literal
      const type = unwrapStorageType(registry, item.meta.type);
      storage.set(
        u8aToHex(compactStripLength(item(...args))[1]),
        u8aToHex(registry.createTypeUnsafe(type, [value]).toU8a()),
      );
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
}
