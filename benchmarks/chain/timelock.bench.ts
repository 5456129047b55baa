// Sealing a weights row to a round of a beacon, opening it, and the beacon's own work. The baseline of sealing is the order of
// the scheme's paper: the pairing of the round with r times the beacon's key, which multiplies in G2, where sealTimelocked
// multiplies in G1.
import { bls12_381 } from '@noble/curves/bls12-381.js';
import {
  createLocalBeacon,
  encodeWeightsPayload,
  openTimelocked,
  QUICKNET,
  sealTimelocked,
  verifyRound,
} from '../../src/chain/codec/timelock.js';
import { sha256 } from '../../src/model/hash.js';
import { createSeededRandom } from '../../src/model/prng.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const ROUNDS = 50;
const BENCH = 'a time-locked row of 256 weights';

export default async function (emit: Emit): Promise<void> {
  const random = createSeededRandom('timelock');
  const beacon = createLocalBeacon('bench');
  const uids = Array.from({ length: 256 }, (_, uid) => uid);
  const values = uids.map((uid) => 65_535 - uid);
  const payload = encodeWeightsPayload({ hotkey: new Uint8Array(32).fill(1), uids, values, versionKey: 0n });
  const seal = (round: number, key: Uint8Array) => sealTimelocked(payload, round, key, random);

  const first = timed(() => seal(1, QUICKNET.publicKey));
  emit({ bench: BENCH, metric: 'sealing, the first of a process', value: first, unit: 'ms' });

  const { G1, G2 } = bls12_381;
  const publicKey = G2.Point.fromHex(QUICKNET.publicKey);
  const textbook = (round: number) => {
    const r = bls12_381.fields.Fr.create(BigInt(`0x${Buffer.from(random.bytes(32)).toString('hex')}`));
    const identity = G1.hashToCurve(sha256(Uint8Array.of(round))) as typeof G1.Point.BASE;
    G2.Point.BASE.multiply(r);
    bls12_381.pairing(identity, publicKey.multiply(r));
  };
  const times: number[] = [];
  const baseline: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    times.push(timed(() => seal(i + 2, QUICKNET.publicKey)));
    baseline.push(timed(() => textbook(i + 2)));
  }
  emit({
    bench: BENCH,
    metric: 'sealing, median',
    value: median(times),
    unit: 'ms',
    baseline: median(baseline),
  });

  const sealed = seal(7, beacon.publicKey);
  const signature = beacon.sign(7);
  const each = (metric: string, work: () => unknown) => {
    const all = Array.from({ length: ROUNDS }, () => timed(work));
    emit({ bench: BENCH, metric: `${metric}, median`, value: median(all), unit: 'ms' });
  };
  each('opening', () => openTimelocked(sealed, signature));
  each('signing a round', () => beacon.sign(8));
  each('verifying a round', () => verifyRound(7, signature, beacon.publicKey));
}

function timed(work: () => unknown): number {
  const begin = performance.now();
  work();
  return round(performance.now() - begin);
}

const median = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!; // at least one
const round = (ms: number): number => Number(ms.toFixed(2));
