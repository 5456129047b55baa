// What the forced stream costs: the scan of every token of a window on one core, keys of rollouts derived on the way, and the
// race of one token. Baseline of the scan: the same in float64 with three logarithms of the engine, whose last bits no other
// language has; of the race: the same with those logarithms.
import { firstWord } from '../../src/inference/spec/philox.js';
import { choose, type Row } from '../../src/inference/spec/race.js';
import { scanRollout } from '../../src/inference/spec/scan.js';
import { type StreamKey, streamKey, uniformOf, wordAt } from '../../src/inference/spec/stream.js';
import { createSeededRandom } from '../../src/model/prng.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const ROLLOUTS = 5000;
const TOKENS = 512;
const VOCABULARY = 32_000;
const RUNS = 5;

const random = createSeededRandom('benchmark of the stream');

export default async function bench(emit: Emit): Promise<void> {
  measureScan(emit);
  for (const candidates of [64, 256]) measureRace(emit, candidates);
}

function measureScan(emit: Emit): void {
  const root = random.bytes(32);
  const rollouts = Array.from({ length: ROLLOUTS }, () =>
    Uint32Array.from({ length: TOKENS }, () => random.below(VOCABULARY)),
  );
  let checked = 0;
  const whole = (scan: (key: StreamKey, tokens: Uint32Array) => number) => () => {
    let sum = 0;
    for (const [i, tokens] of rollouts.entries()) sum += scan(streamKey(root, i >> 3, i & 7), tokens);
    checked = sum / ROLLOUTS / TOKENS;
  };
  const perSecond = (run: () => void) => (ROLLOUTS * TOKENS) / medianCpuSeconds(run) / 1e6;
  const value = perSecond(whole((key, tokens) => scanRollout(key, tokens).race / 65_536));
  if (Math.abs(checked - 1) > 0.01) throw new Error(`scan: expected a mean of 1, got ${checked}`);
  const baseline = perSecond(whole(threeLogarithms));
  if (Math.abs(checked - 1) > 0.01) throw new Error(`baseline: expected a mean of 1, got ${checked}`);
  emit({
    bench: `scan ${ROLLOUTS} rollouts of ${TOKENS}`,
    metric: 'CPU, one core (goal 10; baseline: three Math.log a token)',
    value,
    unit: 'M tokens/s',
    baseline,
  });
}

/** -ln(1 - u) and -ln(-ln u), as the tables have the means of. */
function threeLogarithms({ k0, k1 }: StreamKey, tokens: Uint32Array): number {
  let race = 0;
  let gumbel = 0;
  for (let position = 0; position < tokens.length; position++) {
    const u = (firstWord(tokens[position]!, position, k0, k1) + 0.5) * 2 ** -32;
    race -= Math.log(1 - u);
    gumbel -= Math.log(-Math.log(u));
  }
  if (!Number.isFinite(gumbel)) throw new Error('a sum that is none');
  return race;
}

function measureRace(emit: Emit, candidates: number): void {
  // logits fall as words' frequencies do
  const row: Row = {
    ids: Int32Array.from({ length: candidates }, (_, i) => 97 * i),
    logits: Float32Array.from({ length: candidates }, (_, i) => 12 - 1.6 * Math.log(1 + i)),
  };
  const key = streamKey(random.bytes(32), 0, 0);
  const positions = 4000;
  const found = [0, 0];
  const perToken = (which: number, pick: (position: number) => number) =>
    (medianCpuSeconds(() => {
      found[which] = 0;
      for (let position = 0; position < positions; position++) found[which]! += pick(position);
    }) /
      positions) *
    1e6;
  const value = perToken(0, (position) => {
    const choice = choose(row, 1, { key, position });
    return choice.kind === 'chosen' ? choice.token : 0;
  });
  const baseline = perToken(1, (position) => {
    let best = Number.NEGATIVE_INFINITY;
    let token = -1;
    for (let i = 0; i < candidates; i++) {
      const score = row.logits[i]! + -Math.log(-Math.log(uniformOf(wordAt(key, row.ids[i]!, position))));
      if (score > best) [best, token] = [score, row.ids[i]!];
    }
    return token;
  });
  if (found[0] !== found[1]) throw new Error('race: two ways, two tokens');
  emit({
    bench: `race of ${candidates} candidates`,
    metric: 'CPU (baseline: Math.log)',
    value,
    unit: 'us a token',
    baseline,
  });
}

/** After one run to warm up. */
function medianCpuSeconds(run: () => void): number {
  run();
  const seconds = Array.from({ length: RUNS }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return seconds.sort((a, b) => a - b)[RUNS >> 1]!;
}
