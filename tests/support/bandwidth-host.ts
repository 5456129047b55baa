// Owns: one host of a round as a process: told by lines of JSON on its input, it answers in lines on its output. Does not own:
// where it runs (a network namespace), who tells it.
import { createInterface } from 'node:readline';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { openTcpLink } from '../../src/compute/tcp/link.js';
import { fromHex, toHex } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { ed25519FromSeed } from '../../src/model/ed25519.js';
import { encodeOffer } from '../../src/verification/kinds/bandwidth/codec.js';
import { bandwidthProof } from '../../src/verification/kinds/bandwidth/index.js';
import type { Proving } from '../../src/verification/proof.js';

/** What a host can be told, a line each. */
export type Told =
  | { do: 'listen'; address: string; seed: string }
  | { do: 'go'; params: unknown; basis: string; seed: string; brief: string; forMs: number }
  | { do: 'open'; request: string }
  /** as ends of a validator, a brief each, for so long */
  | { do: 'meet'; params: unknown; briefs: readonly string[]; forMs: number };

const say = (value: object): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
/** On the clock that all processes of a machine share. */
const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const { signal } = new AbortController();
let link: Awaited<ReturnType<typeof openTcpLink>>;
let proving: Proving;

async function obey(told: Told): Promise<void> {
  if (told.do === 'listen') {
    const parts = { clock: systemClock, key: ed25519FromSeed(fromHex(told.seed)) };
    const place = { host: told.address, localAddress: told.address, port: 0 };
    link = await openTcpLink(parts, place, signal);
    say({ offer: toHex(encodeOffer(link.offer)) });
  } else if (told.do === 'go') {
    const beganMs = machineMs();
    const until = systemClock.monotonic() + told.forMs;
    const params = bandwidthProof.parseParams(told.params);
    const challenge = {
      params,
      basis: fromHex(told.basis),
      seed: fromHex(told.seed),
      brief: fromHex(told.brief),
    };
    const leftMs = () => until - systemClock.monotonic();
    proving = await bandwidthProof.prove(
      { compute: createReferenceCompute(), link, leftMs },
      challenge,
      signal,
    );
    say({ commit: toHex(proving.commit), beganMs, endedMs: machineMs() });
  } else if (told.do === 'meet') {
    const beganMs = machineMs();
    const until = systemClock.monotonic() + told.forMs;
    const leftMs = () => until - systemClock.monotonic();
    const params = bandwidthProof.parseParams(told.params);
    const devices = { compute: createReferenceCompute(), link, leftMs };
    const works = told.briefs.map((brief) =>
      bandwidthProof.round!.anchor!(devices, params, fromHex(brief), signal),
    );
    await systemClock.sleep(told.forMs);
    const seen = works.map((work, i) => [i, toHex(work!.commits()![0])]);
    say({ ...Object.fromEntries(seen), beganMs, endedMs: machineMs() });
  } else say({ opening: toHex(await proving.open(fromHex(told.request))) });
}

for await (const line of createInterface({ input: process.stdin })) await obey(JSON.parse(line) as Told);
process.exit(0); // whoever told us is gone
