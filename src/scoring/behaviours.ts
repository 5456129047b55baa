// Owns: what each attack of the matrix saves its miner and how surely it is seen, as numbers. Does not own: the attacks
// (testing/attacks, testing/rollouts/liars), what deters them (deterrence.ts).

/** How an attack pays and how it is seen. */
export type Form =
  /** A share f of the work is made up, which saves `saved` of what it costs; each of `units` looked at finds it with `power`. */
  | {
      readonly is: 'share';
      readonly units: number | 'policy';
      readonly power: number;
      readonly saved: number;
    }
  /** Whoever tries it is rejected, and paid nothing for that event or window. */
  | { readonly is: 'certain' }
  /** One device behind several names: in an event all of them together are paid at most what it proved. */
  | { readonly is: 'shared' }
  /** What a proof cannot tell, as its page says: `gain` is the most that any strength was paid of what it would be honestly. */
  | { readonly is: 'limit'; readonly gain: number; readonly page: string };

export interface Behaviour {
  /** as in the matrix: `<kind>/<name>` */
  readonly name: string;
  readonly form: Form;
}

const family = (kind: string, form: Form, names: string): Behaviour[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => ({ name: `${kind}/${name}`, form }));

/** Work of which so many samples are looked at in every event: those of the smallest set that the matrix runs. */
const sampled = (units: number): Form => ({ is: 'share', units, power: 1, saved: 1 });
const certain: Form = { is: 'certain' };
const shared: Form = { is: 'shared' };
const limit = (gain: number, page: string): Form => ({ is: 'limit', gain, page: `docs/proofs/${page}.md` });
/**
 * Of rollouts, `power` is the share of wrong ones that were found wrong when judged whole (docs/rollouts/calibration.md), `saved`
 * what the cheap one costs less. A weight of half the bits is read in half the time.
 */
const audited = (power: number, saved: number): Form => ({ is: 'share', units: 'policy', power, saved });

const beyondAudit = (gain: number): Form => ({ is: 'limit', gain, page: 'docs/rollouts/calibration.md' });

export const BEHAVIOURS: readonly Behaviour[] = [
  ...family(
    'compute',
    sampled(64),
    'fabricated-rows late-products row-canceller back-edge-canceller silent-after-open',
  ),
  ...family('compute', sampled(14), 'column-liar'),
  ...family(
    'compute',
    certain,
    'laps-skipped opens-own-choice borrowed-work precomputed approximate-arithmetic plus-minus-p-4096 plus-minus-p-8192 r-leak-forger',
  ),
  ...family(
    'compute',
    shared,
    `serial-sharer-hotkeys serial-sharer-slots multi-coldkey-sharer ping-delayer early-go-neighbour colluding-timer rotating-absentee
     declared-absentee capped-absentee loop-flooder names-a-bigger-card big-card-as-small-ones pooled-cards`,
  ),
  // another's card is a card; one that is rented for an event alone is paid as if it had been there between them
  ...family('compute', limit(1, 'compute'), 'proxy'),
  ...family('compute', limit(11.68, 'compute'), 'burst-rental'),
  ...family('memory', sampled(32), 'fabricated-work invented-digests skipped-rounds'),
  ...family('memory', sampled(16), 'noise-filler'),
  ...family('memory', certain, 'labels-ahead read-before-pass residue-storer borrowed-memory'),
  ...family('memory', shared, 'memory-sharer'),
  ...family('memory', limit(1.12, 'memory'), 'partial-memory late-big-memory'),
  ...family('memory', limit(1.41, 'memory'), 'host-digest-helper'),
  ...family('host-memory', sampled(15), 'fabricated-labels guessed-digests residue-storer'),
  ...family('host-memory', sampled(13), 'repeated-rounds'),
  ...family('host-memory', sampled(7), 'guessed-steps'),
  ...family('host-memory', certain, 'read-before-pass borrowed-memory many-drives'),
  ...family('host-memory', shared, 'nvme-ram'),
  ...family('host-memory', limit(1.01, 'host-memory'), 'narrow-state-ram'),
  ...family('host-memory', limit(1.07, 'host-memory'), 'remote-ram'),
  ...family('host-memory', limit(2.03, 'host-memory'), 'quick-drives'),
  ...family('bandwidth', sampled(16), 'invented-leaves framing'),
  ...family('bandwidth', certain, 'counts-twice content-cache replayed-round plot-regenerator'),
  ...family('bandwidth', shared, 'line-sharer alone-by-turns'),
  // a line that is not there, paid as one while half of all other hosts say that it is
  ...family('bandwidth', limit(Number.POSITIVE_INFINITY, 'bandwidth'), 'colluding-sources'),
  ...family('storage', sampled(2), 'unencoded-plot shared-plot'),
  ...family('storage', sampled(59), 'narrow-state-plot'),
  ...family('storage', sampled(6), 'deleted-leaves'),
  ...family('storage', sampled(4), 'unread-range'),
  ...family('storage', certain, 'borrowed-plot replayed-answers hashes-only slow-disk'),
  ...family('storage', shared, 'unencoded-plot-for-life'),
  ...family('storage', limit(1.02, 'storage'), 'ground-range'),
  ...family('storage', limit(12.93, 'storage'), 'sector-regenerator'),
  // earns nothing, so that nothing is gained by passing it
  ...family('liveness', sampled(16), 'fabricated-rows'),
  ...family('liveness', certain, 'borrowed-answer'),
  ...family('liveness', shared, 'cpu-liveness'),
  ...family('liveness', limit(1.75, 'liveness'), 'slowed-decay'),
  ...family(
    'rollouts',
    audited(1, 1),
    'other-seed best-of-4 copied group-renumbered padded eos-early steered',
  ),
  ...family('rollouts', audited(0.975, 1), 'eos-suppressed'),
  ...family('rollouts', audited(0.875, 1), 'prompt-swapped'),
  ...family('rollouts', audited(0.559, 0.5), 'temperature-0.7'),
  ...family('rollouts', audited(0.228, 0.5), 'temperature-0.9'),
  ...family('rollouts', audited(0.488, 0.75), 'int4'),
  ...family('rollouts', audited(0.125, 0.5), 'steered-tenth'),
  // no lie that calibration lets one claim to find in short rollouts: twice as quick, and convicted after 16 windows
  ...family('rollouts', beyondAudit(2), 'int8'),
  // refused before anything of it is paid
  ...family(
    'rollouts',
    certain,
    `eos-padded group-dropped group-forfeited swapped-file swapped-manifest zip-bomb hidden-zip-bomb oversized-manifest oversized-file
     long-rollout malformed-manifest malformed-file headless-file duplicated beyond-vocabulary empty-rollout other-root other-window
     other-chain other-netuid other-checkpoint other-policy others-file forged`,
  ),
  // as dear to run as the right one: what is saved is a download
  ...family('rollouts', audited(0.019, 0.02), 'stale-10'),
  ...family('rollouts', audited(0.013, 0.02), 'stale-5'),
  // named by no check
  ...family('rollouts', beyondAudit(1.02), 'stale-2 stale-1'),
];
