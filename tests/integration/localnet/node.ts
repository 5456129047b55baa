// An embedded node behind a real socket and a bare ApiPromise: none of Assay's client code.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import type { SubmittableExtrinsic } from '@polkadot/api/types';
import type { EventRecord } from '@polkadot/types/interfaces';
import { createLocalnet, type LocalnetOptions } from '../../../src/localnet/localnet.js';
import { serveLocalnet } from '../../../src/localnet/serve.js';

type KeyringPair = ReturnType<Keyring['addFromUri']>;
export const TAO = 1_000_000_000n;

export interface Landed {
  readonly blockHash: string;
  readonly events: readonly string[];
  readonly records: readonly EventRecord[];
  /** `subtensorModule.SubnetNotExists`; of sudo the inner call's */
  readonly error: string | undefined;
}

export async function startNode(options: Partial<LocalnetOptions> = {}) {
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
  const pair = (name: string): KeyringPair => keyring.addFromUri(`//${name}`);
  const stop = new AbortController();
  // loading the wasm is createLocalnet's business; addresses come from a key ring made after it
  const localnet = await createLocalnet({
    sudo: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
    balances: [
      ['5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', 1_000_000n * TAO],
      ['5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty', 1_000_000n * TAO],
    ],
    manual: true,
    ...options,
  });
  let closed: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((resolve, reject) => {
    closed = serveLocalnet(localnet, { port: 0, onListening: (at) => resolve(at.url) }, stop.signal);
    closed.catch(reject);
  });
  const provider = new WsProvider(url, 100);
  // its own types disagree about optional fields under exactOptionalPropertyTypes
  const api = await ApiPromise.create({ provider: provider as never, noInitWarn: true });

  const newBlock = (): Promise<string> => provider.send('dev_newBlock', []);
  const at = (hash: string) => api.at(hash);

  async function outcome(blockHash: string, extrinsicHash: string): Promise<Landed> {
    const block = await api.rpc.chain.getBlock(blockHash);
    const index = block.block.extrinsics.findIndex((extrinsic) => extrinsic.hash.toHex() === extrinsicHash);
    const all = (await (await at(blockHash)).query.system!.events!()) as unknown as EventRecord[];
    const records = all.filter(
      ({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.toNumber() === index,
    );
    let error: string | undefined;
    for (const { event } of records) {
      const data = event.data as unknown as { toJSON(): unknown }[];
      const dispatchError =
        event.method === 'ExtrinsicFailed'
          ? data[0]
          : event.method === 'Sudid' && (data[0] as unknown as { isErr: boolean }).isErr
            ? (data[0] as unknown as { asErr: never }).asErr
            : undefined;
      if (dispatchError) {
        const typed = dispatchError as unknown as { isModule: boolean; asModule: never; type: string };
        if (typed.isModule) {
          const { section, name } = api.registry.findMetaError(typed.asModule);
          error = `${section}.${name}`;
        } else error = typed.type;
      }
    }
    const events = records.map(({ event }) => `${event.section}.${event.method}`);
    return { blockHash, events, records, error };
  }

  return {
    localnet,
    api,
    provider,
    url,
    pair,
    newBlock,
    at,
    async newBlocks(count: number) {
      for (let i = 0; i < count; i++) await newBlock();
    },
    /** Signs, submits, makes a block and reads what became of it. */
    async land(tx: SubmittableExtrinsic<'promise'>, signer: KeyringPair): Promise<Landed> {
      const nonce = await api.rpc.system.accountNextIndex(signer.address);
      const signed = await tx.signAsync(signer, { nonce });
      const hash = (await api.rpc.author.submitExtrinsic(signed)).toHex();
      return await outcome(await newBlock(), hash);
    },
    async close() {
      await api.disconnect();
      stop.abort();
      await closed;
    },
  };
}
export type TestNode = Awaited<ReturnType<typeof startNode>>;
