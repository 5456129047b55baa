// Owns: one validator's weights in a process of its own, to be killed: `node --import tsx weights-process.ts <json>`. It tells
// its parent of every step, and stands still at the one that it is asked to. Does not own: what is tested.
import { once } from 'node:events';
import { connectSubtensor } from '../../src/chain/index.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { systemClock } from '../../src/model/clock.js';
import { toHotkey, toNetuid } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { systemRandom } from '../../src/model/prng.js';
import { openWeightsBook, type WeightsBook } from '../../src/validator/weights/book.js';
import { createPublisher } from '../../src/validator/weights/publish.js';

export interface WeightsProcessInput {
  readonly url: string;
  readonly netuid: number;
  readonly hotkeyUri: string;
  readonly folder: string;
  /** hotkey that gets all weight */
  readonly miner: string;
  /** blocks before the epoch's end at which weights are due */
  readonly leadBlocks: number;
  /** `before submitted`, `after included`, ...: says so and goes on when its parent says anything */
  readonly standAt?: string | undefined;
}

const input = JSON.parse(process.argv[2]!) as WeightsProcessInput; // from the test that started us
const tell = (message: object): void => void process.send?.(message);

await readyKeys();
const keypair = keypairFromUri(input.hotkeyUri);
const netuid = toNetuid(input.netuid);
const limits = { reconnectMaxMs: 300, requestTimeoutMs: 4000 };
const chain = await connectSubtensor({ url: input.url, log: silentLog, clock: systemClock, limits });
const [{ genesisHash }, { number: head }] = await Promise.all([chain.info(), chain.head()]);
const real = await openWeightsBook(
  { log: silentLog },
  { folder: input.folder, genesisHash, hotkey: keypair.address, head },
);

let hasStood = false;
const stand = async (point: string): Promise<void> => {
  if (hasStood || point !== input.standAt) return;
  hasStood = true;
  tell({ stands: point });
  await once(process, 'message');
};
const book: WeightsBook = {
  ...real,
  async write(place, step) {
    await stand(`before ${step.step}`);
    await real.write(place, step);
    tell({ epoch: place.epoch, step: step.step, reason: step.step === 'failed' ? step.reason : undefined });
    await stand(`after ${step.step}`);
  },
};
const publisher = createPublisher(
  { reader: chain, writer: chain, keypair, book, random: systemRandom, log: silentLog },
  { netuid },
);

let isStepping = false;
tell({ up: true });
await chain.watchHeads(({ number }) => {
  if (isStepping) return;
  isStepping = true;
  void step().finally(() => {
    isStepping = false;
    tell({ done: number });
  });
}, new AbortController().signal);

async function step(): Promise<void> {
  try {
    const { epochIndex: epoch, nextEpochBlock, block } = await chain.subnet(netuid);
    const isDue = nextEpochBlock! - block <= input.leadBlocks;
    const scores = async () => new Map([[toHotkey(input.miner), 1]]);
    await publisher.step(isDue ? { epoch, scores } : undefined, () => {});
  } catch (error) {
    tell({ error: error instanceof Error ? error.message : String(error) });
  }
}
