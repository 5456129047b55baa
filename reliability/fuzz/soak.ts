// Owns: the walk of the soak: every reader in turn with bytes that are nearly right, memory looked at in between. Does not own: readers
// (decoders.ts, ports.ts), bytes (mutate.ts), what must hold (judge.ts).
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { readyKeys } from '../../src/keys/index.js';
import { systemClock } from '../../src/model/clock.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { defineSoak, type Findings, type SoakInput } from '../soak.js';
import { createDecoders, type Reader } from './decoders.js';
import { createWitness, judgeFuzz, type Sample, sampleHeap } from './judge.js';
import { mutated } from './mutate.js';
import { openPorts } from './ports.js';

type Settings = 'inputs';

export const soak = defineSoak<Settings>({
  title: 'Bytes that are nearly right',
  about: [
    'Good messages, calls, frames, jobs, files and answers, each changed in one to four places of its structure (a field left out, doubled,',
    'of another number, length or kind; a value of another type; a line too long; bits, cuts, other messages’ ends), given to whatever reads',
    'them: directly, and over sockets of loopback to the ports of a running miner and validator, with the limits that they ship with.',
  ].join(' '),
  minutes: 30,
  settings: { inputs: { is: 1_000_000, what: 'how many there are, over all readers' } },
  run,
});

/** Of this process: what else the machine does meanwhile is not in it. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const ROUNDS = 10;
/** One message of a session, and some more. */
const MAX_BYTES = 300 * 1024;
/** Files that are written over and over do not belong on a disk. */
const MEMORY = '/dev/shm';

async function run(input: SoakInput<Settings>, signal: AbortSignal): Promise<Findings> {
  const { seed, say, settings } = input;
  await readyKeys();
  const folder = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : input.dir, 'assay-fuzz-'));
  const witness = createWitness(cpuMs);
  const ports = await openPorts({ fault: witness.fault });
  const samples: Sample[] = [];
  try {
    const readers: readonly Reader[] = [...createDecoders(folder), ...ports.readers];
    const shares = readers.reduce((sum, { share }) => sum + share, 0);
    const randoms = readers.map(({ name }) => createSeededRandom(`${seed} ${name}`));
    const until = systemClock.monotonic() + input.minutes * 60_000;
    let inputs = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, reader] of readers.entries()) {
        const { form, samples: good, share } = reader;
        const times = Math.max(1, Math.round((settings.inputs * share) / shares / ROUNDS));
        for (let n = 0; n < times; n++) {
          await witness.hear(reader, mutated(good, form, randoms[i]!, MAX_BYTES));
          if (n % 256 > 0) continue;
          await turn(); // readers without a socket never wait: no signal would be heard
          signal.throwIfAborted();
        }
        inputs += times;
      }
      samples.push(sampleHeap(inputs));
      say(`${inputs} inputs; heap ${samples.at(-1)!.heapMiB.toFixed(1)} MiB`);
      if (systemClock.monotonic() > until) break;
    }
    const unwell = await ports.well();
    return judgeFuzz({ ...witness.seen(), samples, unwell, wanted: settings.inputs });
  } finally {
    witness.end();
    await ports.close();
    await rm(folder, { recursive: true, force: true });
  }
}
