// Owns: a miner's own series and checks, from its status. Does not own: where they are asked for (metrics.ts), what is counted
// (miner). Labels are of closed sets: never a hotkey, an address or a text of a peer's.
import { Gauge, type Registry } from 'prom-client';
import { MISDEEDS, type Misdeed } from '../miner/callers.js';
import { MINER_PHASES, type MinerStatus, SESSION_ENDS, SLOT_PHASES } from '../miner/status.js';
import type { Health } from './health.js';
import { gauge } from './metrics.js';

/** @param status asked for when somebody comes */
export function addMinerSeries(
  { register, health }: { readonly register: Registry; readonly health: Health },
  status: () => MinerStatus,
): void {
  const own = (name: string, help: string, value: (now: MinerStatus) => number) =>
    gauge(register, name, help, (self) => self.set(value(status())));
  const byLabel = <L extends string>(
    name: string,
    help: string,
    label: L,
    values: (now: MinerStatus) => Readonly<Record<string, number>>,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [register],
      collect() {
        for (const [key, value] of Object.entries(values(status())))
          this.set({ [label]: key } as Record<L, string>, value);
      },
    });

  byLabel('assay_miner_phase', '1 for the phase that this miner is in', 'phase', ({ phase }) =>
    Object.fromEntries(MINER_PHASES.map((each) => [each, each === phase ? 1 : 0])),
  );
  own('assay_miner_registered', '1 while the chain has this hotkey on the subnet', ({ uid }) =>
    uid === undefined ? 0 : 1,
  );
  own(
    'assay_miner_axon_on_chain',
    '1 while the chain names the address and key that are served',
    ({ axon }) => (axon?.isOnChain ? 1 : 0),
  );
  byLabel('assay_miner_slots', 'slots by what they do; a resting one is not claimed', 'phase', ({ slots }) =>
    Object.fromEntries(SLOT_PHASES.map((each) => [each, slots.filter(({ phase }) => phase === each).length])),
  );
  own('assay_miner_sessions_open', 'sessions under way', ({ sessions }) => sessions.open);
  byLabel(
    'assay_miner_sessions_ended',
    'sessions since the start, by how they ended: look into failed ones first',
    'end',
    ({ sessions }) => Object.fromEntries(SESSION_ENDS.map((end) => [end, sessions.ended[end]])),
  );
  own('assay_miner_steps', 'steps of work committed to since the start', ({ sessions }) => sessions.steps);
  own(
    'assay_miner_step_seconds',
    'from Go, or Pass, to those commits, all together: over assay_miner_steps it is the mean',
    ({ sessions }) => sessions.stepSeconds,
  );
  own('assay_miner_calls_admitted', 'calls since the start that came in', ({ callers }) => callers.admitted);
  byLabel(
    'assay_miner_misdeeds',
    'what callers did since the start that honest ones do not',
    'did',
    ({ callers }) =>
      Object.fromEntries((Object.keys(MISDEEDS) as Misdeed[]).map((did) => [did, callers.refused[did] ?? 0])),
  );
  own('assay_miner_callers_known', 'callers that are remembered', ({ callers }) => callers.known);

  health.add('ready', 'serving', () => {
    const { phase, why } = status();
    return phase === 'serving' ? undefined : `${phase}${why === undefined ? '' : `: ${why}`}`;
  });
  health.add('ready', 'slots', () => {
    const { phase, slots } = status();
    const isBare = phase === 'serving' && !slots.some((slot) => slot.phase !== 'resting');
    return isBare ? 'no slot is claimed' : undefined;
  });
}
