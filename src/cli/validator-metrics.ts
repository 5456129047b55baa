// Owns: a validator's own series and checks, from its status and from what is written to its ledger: counted where it is written, so
// that no step has to count for itself. Does not own: where they are asked for (metrics.ts). Labels are of closed sets: never a
// hotkey, an address or a text of a peer's.
import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../model/clock.js';
import { sharesOf } from '../validator/breaker.js';
import type { LedgerEntry, OutcomeEntry } from '../validator/ledger/entries.js';
import type { Ledger } from '../validator/ledger/ledger.js';
import { type LedgerObserver, withObserver } from '../validator/ledger/with-observer.js';
import type { ValidatorStatus } from '../validator/status.js';
import type { Health } from './health.js';
import { gauge } from './metrics.js';

export interface ValidatorMetrics {
  readonly status: (status: ValidatorStatus) => void;
  /** The same ledger, whose writing is counted and timed. */
  observed<L extends Pick<Ledger, 'append'>>(ledger: L): L;
}

export interface ValidatorMetricsParts {
  readonly register: Registry;
  readonly health: Health;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** folder that the disk's room is looked at of */
  readonly data: string;
}

/** Stages with a series of their own: few, and never text of a node's. */
const STAGES: ReadonlySet<string> = new Set([
  'waiting',
  'refused',
  'withheld',
  'held',
  'revealed',
  'applied',
  'failed',
]);
/** An entry that is not on the disk by then is not going to be. */
const STUCK_MS = 60_000;
/** Events under way are few; one that was dropped never completes. */
const MOST_OPEN = 64;

export function createValidatorMetrics({
  register,
  health,
  clock,
  data,
}: ValidatorMetricsParts): ValidatorMetrics {
  const registers = [register];
  const own = (name: string, help: string, collect?: (self: Gauge) => void | Promise<void>) =>
    gauge(register, name, help, collect);
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const seconds = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
    new Histogram({ name, help, buckets, labelNames, registers });
  const byLabel = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });

  /** A disk that does not answer is no number, and takes no other series along. */
  const ofDisk = (value: (disk: StatsFs) => number) => async (self: Gauge) => {
    const disk = await statfs(data).catch(() => undefined);
    self.set(disk ? value(disk) : Number.NaN);
  };

  const epoch = own('assay_validator_epoch', "the chain's index of the present epoch");
  const permit = own('assay_validator_permit', '1 while the hotkey has a validator permit');
  const weights = byLabel('assay_weights_epoch', 'newest epoch whose weights reached a stage', 'stage');
  const parametersKnown = own(
    'assay_parameters_known',
    '1 while parameters and policy that count in the epoch are here: else nothing is judged and no weights are set',
  );
  const parametersSince = own(
    'assay_parameters_since_timestamp_seconds',
    'since when this process goes by the parameters and the policy that it goes by',
  );
  const held = own('assay_breaker_held', '1 while scores are held for mass failure: somebody must decide');
  const drift = byLabel(
    'assay_breaker_share',
    'of owners, and of their stake, that were honest before: the share that failed in the newest scored epoch',
    'of',
  );
  const running = own('assay_events_running', 'events and checks under way');
  const events = counter(
    'assay_events_total',
    'events and checks between them, begun and completed: what lies between the two was dropped, or is under way',
    'purpose',
    'stage',
  );
  const overlapped = own(
    'assay_events_overlapped',
    'events since the start that were not over as the next one, or a check, began: raise eventBlocks in the plan',
  );
  const slots = byLabel('assay_event_slots', 'slots of the newest completed event', 'verdict');
  const eventSeconds = seconds(
    'assay_event_seconds',
    'from the first word of an event in the ledger to its last verdict',
    [5, 10, 20, 40, 60, 90, 120, 180, 300, 600],
    'purpose',
  );
  const verdicts = counter(
    'assay_verdicts_total',
    'outcomes, by verdict and its reason',
    'verdict',
    'reason',
  );
  const ownDelay = seconds(
    'assay_own_delay_seconds',
    "the longest stall of this process's event loop in a session; of it at most 1 % of the window is credited",
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  );
  const openingBytes = counter('assay_opening_bytes_total', 'bytes of openings that were judged');
  const appendSeconds = seconds(
    'assay_ledger_append_seconds',
    'until an entry of the ledger is on the disk',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  );
  const appendErrors = counter('assay_ledger_append_errors_total', 'entries that could not be written');
  const frameBytes = counter(
    'assay_ledger_frame_bytes_total',
    'bytes of frames that were handed to the ledger',
  );
  const questions = byLabel(
    'assay_verifier_unanswered',
    'evidence that a verifier thread left unanswered since the start, by what became of it',
    'end',
  );
  own(
    'assay_data_free_bytes',
    "room on the disk of the role's data folder, for who is not root",
    ofDisk(({ bavail, bsize }) => bavail * bsize),
  );
  own(
    'assay_data_size_bytes',
    'size of that disk',
    ofDisk(({ blocks, bsize }) => blocks * bsize),
  );

  // what was never counted is no series, and its first one would be no increase
  for (const purpose of ['event', 'check'])
    for (const stage of ['begun', 'completed']) events.inc({ purpose, stage }, 0);
  weights.set({ stage: 'failed' }, 0);

  /** monotonic ms at which each entry that is being written was handed over */
  const writing = new Map<number, number>();
  let written = 0;
  let lastError: string | undefined;
  const beganAt = new Map<string, number>();
  let latest: ValidatorStatus | undefined;
  let goesBy: string | undefined;

  health.add('live', 'ledger', () => {
    if (lastError !== undefined) return `the last entry was not written: ${lastError}`;
    const [oldest = Number.POSITIVE_INFINITY] = writing.values();
    return clock.monotonic() - oldest > STUCK_MS
      ? 'an entry is being written for more than a minute'
      : undefined;
  });
  health.add('ready', 'permit', () => {
    if (!latest) return 'no block was seen yet';
    return latest.permit ? undefined : 'the hotkey has no validator permit';
  });
  health.add('ready', 'breaker', () => {
    const hold = latest?.breaker?.held;
    return hold && `scores are held since epoch ${hold.since}: assay validator breaker`;
  });
  health.add('ready', 'parameters', () => latest?.parameters?.whyNot ?? latest?.policy?.whyNot);

  function note(entry: LedgerEntry): void {
    if (entry.type === 'outcome') noteOutcome(entry);
    if (entry.type !== 'event-started' && entry.type !== 'event-completed') return;
    const purpose = entry.liveness ? 'check' : 'event';
    const began = beganAt.get(entry.event);
    if (entry.type === 'event-completed') {
      events.inc({ purpose, stage: 'completed' });
      if (began !== undefined) eventSeconds.observe({ purpose }, (clock.monotonic() - began) / 1000);
      beganAt.delete(entry.event);
    } else if (began === undefined) {
      events.inc({ purpose, stage: 'begun' });
      if (beganAt.size >= MOST_OPEN) beganAt.delete(beganAt.keys().next().value!);
      beganAt.set(entry.event, clock.monotonic());
    }
  }

  function noteOutcome({ outcome, session }: OutcomeEntry): void {
    const { verdict, ownDelayMs } = outcome;
    const reason =
      verdict.kind === 'rejected' ? verdict.reason : verdict.kind === 'inconclusive' ? verdict.cause : '';
    verdicts.inc({ verdict: verdict.kind, reason });
    ownDelay.observe(ownDelayMs / 1000);
    let [opening, all] = [0, 0];
    for (const { kind, body, header } of session.frames) {
      all += header.length + body.length;
      if (kind === 'opening') opening += body.length;
    }
    openingBytes.inc(opening);
    frameBytes.inc(all);
  }

  const observer: LedgerObserver = {
    begins() {
      const number = written++;
      writing.set(number, clock.monotonic());
      return (entry, tookMs, error) => {
        writing.delete(number);
        lastError = error === undefined ? undefined : error instanceof Error ? error.message : 'unknown';
        if (error !== undefined) return appendErrors.inc();
        appendSeconds.observe(tookMs / 1000);
        note(entry);
      };
    },
  };

  return {
    observed: (ledger) => withObserver(ledger, clock, observer),
    status(now) {
      latest = now;
      epoch.set(now.epoch);
      permit.set(now.permit ? 1 : 0);
      running.set(now.running);
      held.set(now.breaker?.held ? 1 : 0);
      if (now.breaker)
        for (const [of, share] of Object.entries(sharesOf(now.breaker))) drift.set({ of }, share / 1e6);
      overlapped.set(now.overlapped ?? 0);
      if (now.lastEvent)
        for (const verdict of ['accepted', 'rejected', 'inconclusive'] as const)
          slots.set({ verdict }, now.lastEvent[verdict]);
      parametersKnown.set((now.parameters?.whyNot ?? now.policy?.whyNot) === undefined ? 1 : 0);
      const by = [...(now.parameters?.held ?? []), now.policy?.digest].join(' ');
      if (by !== goesBy) parametersSince.set(clock.now() / 1000);
      goesBy = by;
      if (now.lastWeights) weights.set({ stage: 'on-chain' }, now.lastWeights.epoch);
      const { answered, poison, unjudged } = now.verifiers ?? { answered: 0, poison: 0, unjudged: 0 };
      for (const [end, count] of Object.entries({ answered, poison, unjudged }))
        questions.set({ end }, count);
      const stage = now.weightsStage;
      if (stage && STAGES.has(stage.stage)) weights.set({ stage: stage.stage }, stage.epoch);
    },
  };
}
