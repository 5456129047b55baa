// Owns: this subnet's miner: one slot of hash-cells, worked on by this process. Does not own: the work (hash-cells/prove.ts).
import { join } from 'node:path';
import { createMiner } from 'assay';
import { createReferenceCompute } from 'assay/compute';
import { createLocalSlot, openReceipts } from 'assay/miner';
import { toHex } from 'assay/model';
import { paramsId } from 'assay/verification';
import { openServerIdentity } from './data.js';
import { hashCells } from './hash-cells/index.js';
import { EXAMPLE } from './hash-cells/params.js';
import { runRole } from './role.js';
import { files } from './subnet.js';

await runRole('miner', async ({ settings, chain, keypair, log, signal }) => {
  const { netuid, host, port, data } = settings;
  const slot = createLocalSlot(
    // a kind that needs no device is handed the plainest
    { compute: createReferenceCompute(), kind: hashCells, params: EXAMPLE, paramsId: paramsId(EXAMPLE) },
    { index: 0, worker: 'host-1' },
  );
  const identity = await openServerIdentity(join(data, 'server-key'));
  const receipts = await openReceipts(join(data, 'receipts.jsonl'));
  const content = (digest: Uint8Array) => files.get(toHex(digest));
  const miner = createMiner(
    { chain, keypair, slots: [slot], receipts, content, log },
    { netuid, host, port, identities: [identity] },
  );
  try {
    await miner.run(signal, (at) => console.log(`miner on ${at.host}:${at.port}`));
  } finally {
    await receipts.close();
  }
});
