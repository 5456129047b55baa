// The other process of soak.bench.ts: a manual localnet that makes a block when told, and drops its connections when told.
import { setTimeout as delay } from 'node:timers/promises';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { createLocalnet, serveLocalnet } from '../../src/localnet/index.js';

/** `carry`: a block as soon as there is an extrinsic for it */
export type Order = 'block' | 'carry' | 'drop';

await readyKeys();
const root = keypairFromUri('//Alice');
const localnet = await createLocalnet({
  sudo: root.address,
  balances: [[root.address, 10n ** 15n]],
  manual: true,
});
const over = new AbortController();
process.on('disconnect', () => over.abort());
process.on('message', (order: Order) => {
  if (order === 'block') localnet.produceBlock();
  else if (order === 'carry') void carry();
  else void localnet.rpc('dev_dropConnections');
});
async function carry(): Promise<void> {
  while (((await localnet.rpc('author_pendingExtrinsics')) as unknown[]).length === 0) await delay(1);
  localnet.produceBlock();
}
await serveLocalnet(localnet, { port: 0, onListening: ({ url }) => void process.send?.(url) }, over.signal);
