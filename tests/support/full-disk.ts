// Appends to a ledger on a small disk until nothing fits, makes room, appends once more, and says what became of each.
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { openLedger } from '../../src/validator/ledger/ledger.js';
import { GENESIS, outcomeEntry } from '../unit/validator/ledger/entry.js';

const dir = process.argv[2]!;
await readyKeys();
const room = join(dirname(dir), 'room');
await writeFile(room, new Uint8Array(64 * 1024));
const whose = { genesisHash: GENESIS, netuid: 2, keypair: devKeypair('validator') };
const ledger = await openLedger({ dir, ...whose, random: createSeededRandom('full'), log: silentLog });
const acknowledged: string[] = [];
const refused: string[] = [];
for (let i = 0; refused.length < 5 && i < 2000; i++) {
  const entry = outcomeEntry(`${i}`);
  await ledger.append(entry).then(
    () => acknowledged.push(entry.outcome.id),
    (error: NodeJS.ErrnoException) => refused.push(`${error.code}`),
  );
}
await rm(room);
const last = outcomeEntry('afterwards');
await ledger.append(last);
await ledger.close();
process.stdout.write(`${JSON.stringify({ acknowledged, refused, afterwards: last.outcome.id })}\n`);
