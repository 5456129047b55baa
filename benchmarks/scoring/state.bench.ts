// How fast outcomes are folded into what is remembered, and 4,096 hotkeys' pay made of that. Baseline of both: the same sums in bare
// SQLite, Debian's in a process of its own; where there is none a line says so.
import { spawnSync } from 'node:child_process';
import { type Coldkey, type Hotkey, toColdkey, toHotkey } from '../../src/model/ids.js';
import { accepted, rejected } from '../../src/model/verdict.js';
import {
  createScoringState,
  type Facts,
  POLICIES,
  parsePolicy,
  payOf,
  type Scored,
  type ScoringPolicy,
} from '../../src/scoring/index.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const HOTKEYS = 4096;
const SLOTS = 2;
const EVENTS = 120;
const PER_EPOCH = 5;
const RUNS = 9;

const hotkeys = Array.from({ length: HOTKEYS }, (_, i) => toHotkey(`5${i.toString(36).padStart(47, 'a')}`));
const neurons = new Map<Hotkey, { coldkey: Coldkey; registeredEpoch: number; stakeRao: bigint }>(
  hotkeys.map((hotkey, i) => [
    hotkey,
    { coldkey: toColdkey(`cold ${i % 1500}`), registeredEpoch: i % 20, stakeRao: BigInt(i) * 10n ** 9n },
  ]),
);
const facts: Facts = {
  neurons,
  owner: hotkeys[0]!,
  rollouts: new Map(hotkeys.map((hotkey, i) => [hotkey, i * 1000])),
};

/** One event's outcomes, to be told again under another name. */
const outcomes: Scored[] = hotkeys.flatMap((miner, i) =>
  Array.from({ length: SLOTS }, (_, slot): Scored => {
    const isGood = (i * 7 + slot) % 10 !== 0;
    return {
      event: '',
      epoch: 0,
      miner,
      kind: slot === 0 ? 'compute' : 'storage',
      paramsId: slot === 0 ? '00' : '01',
      slot,
      verdict: isGood ? accepted : rejected('window'),
      credit: isGood ? { opsPerS: 1e15 + i * 1e10, storageBytes: slot * 1e12 } : {},
      share: isGood ? 0.9 : 0,
    };
  }),
);

export default async function bench(emit: Emit): Promise<void> {
  const baseline = sqlite();
  if (!baseline) console.error('no SQLite here: no baseline');
  const policies: readonly (readonly [string, ScoringPolicy])[] = [
    ['compute', POLICIES.compute],
    ['mixed', POLICIES.mixed],
    ['mixed, exponent 3/4', parsePolicy({ ...POLICIES.mixed, pay: { exponent: 0.75 } })],
  ];
  for (const [name, policy] of policies) {
    const state = createScoringState(policy);
    const began = process.cpuUsage();
    for (let k = 0; k < EVENTS; k++) {
      const [event, epoch] = [`event ${k}`, Math.floor(k / PER_EPOCH)];
      for (const outcome of outcomes) {
        const told = outcome as { event: string; epoch: number }; // its own, told anew
        told.event = event;
        told.epoch = epoch;
        state.outcome(outcome);
      }
      state.completed({ event, epoch });
    }
    const seconds = cpuMs(began) / 1000;
    const told = EVENTS * outcomes.length;
    const of = (value: number | undefined) => (value === undefined ? {} : { baseline: value });
    emit({
      bench: `fold, ${name}`,
      metric: 'outcomes',
      value: Math.round(told / seconds),
      unit: '1/s of CPU',
      ...of(baseline?.inserted),
    });
    const times = Array.from({ length: RUNS }, () => {
      const from = process.cpuUsage();
      payOf(state, { epoch: Math.floor((EVENTS - 1) / PER_EPOCH), facts });
      return cpuMs(from);
    }).sort((a, b) => a - b);
    emit({
      bench: `pay of ${HOTKEYS} hotkeys, ${name}`,
      metric: 'median',
      value: times[RUNS >> 1]!,
      unit: 'ms of CPU',
      ...of(baseline?.summedMs),
    });
    emit({
      bench: `pay of ${HOTKEYS} hotkeys, ${name}`,
      metric: 'slowest',
      value: times.at(-1)!,
      unit: 'ms of CPU',
    });
    emit({ bench: `state, ${name}`, metric: 'snapshot', value: state.snapshot().length, unit: 'bytes' });
  }
}

/** Of this process, its collector's threads included: other work on the machine is not in it. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

const BASELINE_ROWS = 262_144;

/** Rows inserted a second in one transaction, and ms to sum the newest epoch by hotkey: without any rule. */
function sqlite(): { inserted: number; summedMs: number } | undefined {
  const script = `
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE o (event INT, epoch INT, miner TEXT, slot INT, worth REAL);
.timer on
INSERT INTO o SELECT value / 8192, value / 40960, 'hotkey ' || (value % 4096), value / 4096 % 2, 1.0 FROM generate_series(0, ${BASELINE_ROWS - 1});
SELECT count(*), sum(w) FROM (SELECT miner, sum(worth) / 5 AS w FROM o WHERE epoch = 5 GROUP BY miner);
`;
  const { stdout, status } = spawnSync('sqlite3', [':memory:'], {
    input: script,
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (status !== 0) return undefined;
  const times = [...stdout.matchAll(/Run Time: real [0-9.]+ user ([0-9.]+) sys ([0-9.]+)/g)].map(
    ([, user, system]) => Number(user) + Number(system),
  );
  if (times.length < 2) return undefined;
  return { inserted: Math.round(BASELINE_ROWS / times[0]!), summedMs: times[1]! * 1000 };
}
