// Owns: a localnet with one full subnet, in a process of its own. Does not own: what is measured against it.
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { keypairFromUri } from '../../src/keys/uri.js';
import { createLocalnet, serveLocalnet } from '../../src/localnet/index.js';

/** of the one subnet */
export const NEURONS = 256;
const TAO = 1_000_000_000n;
const STAKED = 16;

if (process.argv.includes('--serve') && process.send) await serveCrowd(NEURONS);

async function serveCrowd(n: number): Promise<void> {
  await readyKeys();
  const root = keypairFromUri('//Alice').address;
  const localnet = await createLocalnet({ sudo: root, balances: [[root, 1_000_000n * TAO]], manual: true });
  const hotkeys = Array.from({ length: n }, (_, i) => devKeypair(`crowd-${i}`).address);
  const land = async (calls: readonly (readonly [name: string, args: object, signer?: string])[]) => {
    const receipts = calls.map(([name, args, signer = root]) =>
      // names and arguments are this file's own
      localnet.submit({ pallet: 'SubtensorModule', name, args } as never, signer),
    );
    localnet.produceBlock();
    for (const { error } of await Promise.all(receipts)) if (error !== undefined) throw new Error(error);
  };
  await land([['register_network', { hotkey: hotkeys[0] }]]);
  await land([['start_call', { netuid: 1 }]]);
  for (let i = 1; i < n; i += 32)
    await land(hotkeys.slice(i, i + 32).map((hotkey) => ['burned_register', { netuid: 1, hotkey }] as const));
  await land(
    hotkeys
      .slice(0, STAKED)
      .map((hotkey, i) => ['add_stake', { netuid: 1, hotkey, amount_staked: BigInt(i + 1) * TAO }] as const),
  );
  for (let i = 0; i < n; i += 64)
    await land(
      hotkeys.slice(i, i + 64).map((hotkey, j) => {
        const ip = BigInt(0x7f100001 + i + j);
        const rest = { ip_type: 4, protocol: 4, placeholder1: 0, placeholder2: 0 };
        return ['serve_axon', { netuid: 1, version: 1000, ip, port: 9000, ...rest }, hotkey] as const;
      }),
    );
  const stop = new AbortController();
  process.once('disconnect', () => stop.abort());
  await serveLocalnet(localnet, { port: 0, onListening: ({ url }) => process.send!(url) }, stop.signal);
}
