// A manual localnet behind a WebSocket, which can go away and come back on the same port.

import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import type { Keypair } from '../../../src/keys/keypair.js';
import { createLocalnet, type Localnet, serveLocalnet } from '../../../src/localnet/index.js';
import { systemClock } from '../../../src/model/clock.js';

export interface LocalnetNode {
  readonly localnet: Localnet;
  readonly url: string;
  /** sudo, with 1,000,000 TAO */
  readonly root: Keypair;
  /** Makes a block whenever `count` extrinsics (1) wait for one, until `write` is decided. */
  land<T>(write: Promise<T>, count?: number): Promise<T>;
  /** Makes a block whenever an extrinsic waits for one, until the function that it gives is called; leaves the time between to others. */
  pump(): () => Promise<void>;
  /** Ends the server and every connection; the chain itself lives on. */
  goDown(): Promise<void>;
  /** Serves again, at the same url: this chain, or another one in its place. */
  comeUp(other?: Localnet): Promise<void>;
}

export async function startLocalnet(
  options: { finalityLagBlocks?: number; tempo?: number } = {},
): Promise<LocalnetNode> {
  await readyKeys();
  const root = keypairFromUri('//Alice');
  const localnet = await createLocalnet({
    sudo: root.address,
    balances: [[root.address, 1_000_000n * 1_000_000_000n]],
    manual: true,
    ...options,
  });
  let stop = new AbortController();
  let served: Promise<void> = Promise.resolve();
  let port = 0;
  const serve = (chain: Localnet) => {
    stop = new AbortController();
    return new Promise<string>((resolve, reject) => {
      served = serveLocalnet(
        chain,
        {
          port,
          onListening: (address) => {
            port = address.port;
            resolve(address.url);
          },
        },
        stop.signal,
      );
      served.catch(reject);
    });
  };
  const url = await serve(localnet);
  return {
    localnet,
    url,
    root,
    async land(write, count = 1) {
      let decided = false;
      const mark = () => {
        decided = true;
      };
      write.then(mark, mark);
      while (!decided) {
        const pending = await localnet.rpc('author_pendingExtrinsics');
        if (Array.isArray(pending) && pending.length >= count) localnet.produceBlock();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return write;
    },
    pump() {
      let isPumping = true;
      const pumping = (async () => {
        while (isPumping) {
          const pending = await localnet.rpc('author_pendingExtrinsics');
          if (Array.isArray(pending) && pending.length > 0) localnet.produceBlock();
          await systemClock.sleep(1);
        }
      })();
      return async () => {
        isPumping = false;
        await pumping;
      };
    },
    async goDown() {
      stop.abort();
      await served;
    },
    async comeUp(other = localnet) {
      await serve(other);
    },
  };
}

/** Sends calls into one block; their names and arguments are the test's own. */
export async function landCalls(
  { localnet, root }: Pick<LocalnetNode, 'localnet' | 'root'>,
  calls: readonly (readonly [
    name: string,
    args: Record<string, unknown>,
    signer?: string,
    pallet?: string,
  ])[],
): Promise<void> {
  const receipts = calls.map(([name, args, signer = root.address, pallet = 'SubtensorModule']) =>
    localnet.submit({ pallet, name, args } as never, signer),
  );
  localnet.produceBlock();
  for (const { error } of await Promise.all(receipts)) if (error !== undefined) throw new Error(error);
}
