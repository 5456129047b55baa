// Owns: where the ledgers of two validators differ, and why. Does not own: who is right (replay-all.ts).
import { toHex } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import {
  isAboutContent,
  isDeclined,
  type Rejection,
  type Verdict,
  verdictToString,
} from '../../model/verdict.js';
import type { EventEntry } from './entries.js';
import type { LedgerReader } from './ledger.js';
import type { EpochRange } from './load.js';

export const DIFFERENCES = [
  /** one of the two had a fault of its own, or nobody for the slot to meet */
  'own-fault',
  /** one of them had counted the miner's maintenance, or was told that its owner's cap was reached */
  'declined',
  /** late, silent or left out for one: the line or the clock between them */
  'time',
  /** a dial or an answer to it that one did not see */
  'reach',
  /** bytes that one of them had and rejected: each asked for other rows, or one of them is wrong */
  'content',
  /** rejected by both, for different reasons */
  'reason',
  /** accepted by both, and not for as much */
  'credit',
  /** the slot ran under other parameters, or as another kind */
  'parameters',
  /** one held the event and did not ask the slot */
  'not-challenged',
  /** one did not complete the event: what it has of it counts for nobody */
  'not-completed',
  /** one did not hold the event at all */
  'not-held',
] as const;
export type DifferenceWhy = (typeof DIFFERENCES)[number];

export interface Difference {
  readonly why: DifferenceWhy;
  readonly event: string;
  readonly epoch: number;
  readonly miner: Hotkey;
  readonly slot: number;
  /** undefined where it has none */
  readonly a: Pick<Outcome, 'id' | 'verdict' | 'share'> | undefined;
  readonly b: Pick<Outcome, 'id' | 'verdict' | 'share'> | undefined;
}

export interface Compared {
  readonly a: Hotkey;
  readonly b: Hotkey;
  /** completed by both, by one alone */
  readonly events: { readonly both: number; readonly onlyA: number; readonly onlyB: number };
  readonly sessions: {
    readonly same: number;
    readonly different: number;
    /** of kinds that one validator measures at a time: those of whose turn it was, which the other cannot have */
    readonly oneTurn: number;
  };
  readonly why: Readonly<Partial<Record<DifferenceWhy, number>>>;
  /** the first of them, as many as were asked for */
  readonly differences: readonly Difference[];
  /** where two ledgers of one hotkey went apart: both were signed, and one of them should not be */
  readonly fork?: { readonly epoch: number } | undefined;
}

export interface CompareOptions extends EpochRange {
  /** @default 1000 */
  readonly most?: number | undefined;
}

type Comparable = Pick<LedgerReader, 'owner' | 'fold' | 'heads'>;

/**
 * Of two ledgers of one subnet, from folders whose links and signatures were checked when they were opened. Holds an epoch of
 * each at a time.
 * @throws AssayError `invalid-input` for ledgers of different chains or subnets
 */
export async function compareLedgers(
  a: Comparable,
  b: Comparable,
  { fromEpoch = 0, toEpoch = Number.POSITIVE_INFINITY, most = 1000 }: CompareOptions = {},
  signal?: AbortSignal,
): Promise<Compared> {
  const [ownerA, ownerB] = [ownerIn(a), ownerIn(b)];
  const subnetOf = ({ genesisHash, netuid }: typeof ownerA) => `subnet ${netuid} of ${toHex(genesisHash)}`;
  if (subnetOf(ownerA) !== subnetOf(ownerB))
    throw new AssayError('invalid-input', 'ledgers of different subnets have nothing in common', {
      what: 'ledgers',
      expected: subnetOf(ownerA),
      got: subnetOf(ownerB),
    });
  const events = { both: 0, onlyA: 0, onlyB: 0 };
  const sessions = { same: 0, different: 0, oneTurn: 0 };
  const why: Partial<Record<DifferenceWhy, number>> = {};
  const differences: Difference[] = [];

  for (const epoch of await epochsOf([a, b], { fromEpoch, toEpoch }, signal)) {
    const [viewA, viewB] = [await viewOf(a, epoch, signal), await viewOf(b, epoch, signal)];
    for (const event of new Set([...viewA.completed, ...viewB.completed])) {
      const [inA, inB] = [viewA.completed.has(event), viewB.completed.has(event)];
      events[inA && inB ? 'both' : inA ? 'onlyA' : 'onlyB']++;
    }
    for (const key of new Set([...viewA.outcomes.keys(), ...viewB.outcomes.keys()])) {
      const [of, other] = [viewA.outcomes.get(key), viewB.outcomes.get(key)];
      const { event, miner, slot, byTurn } = (of ?? other)!; // the key is of one of them
      if (byTurn && !(of && other)) {
        sessions.oneTurn++;
        continue;
      }
      const reason = whyOf(of, other, { event, a: viewA, b: viewB });
      if (!reason) {
        sessions.same++;
        continue;
      }
      sessions.different++;
      why[reason] = (why[reason] ?? 0) + 1;
      if (differences.length < most)
        differences.push({ why: reason, event, epoch, miner, slot, a: shown(of), b: shown(other) });
    }
  }
  const fork = ownerA.hotkey === ownerB.hotkey ? forkOf(a, b) : undefined;
  return {
    a: ownerA.hotkey,
    b: ownerB.hotkey,
    events,
    sessions,
    why,
    differences,
    ...(fork ? { fork } : {}),
  };
}

interface EpochView {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly started: ReadonlySet<string>;
  readonly completed: ReadonlySet<string>;
}

async function viewOf(ledger: Comparable, epoch: number, signal?: AbortSignal): Promise<EpochView> {
  const view = {
    outcomes: new Map<string, Outcome>(),
    started: new Set<string>(),
    completed: new Set<string>(),
  };
  const add = (set: Set<string>) => (event: EventEntry) =>
    void (event.epoch === epoch && set.add(event.event));
  await ledger.fold(
    {
      outcome(outcome) {
        const key = `${outcome.event} ${outcome.miner} ${outcome.slot}`;
        if (outcome.epoch === epoch) view.outcomes.set(key, outcome);
      },
      started: add(view.started),
      completed: add(view.completed),
    },
    // what was late is in the next one's
    { fromEpoch: epoch, toEpoch: epoch + 1 },
    signal,
  );
  return view;
}

async function epochsOf(
  ledgers: readonly Comparable[],
  range: EpochRange,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const epochs = new Set<number>();
  const { toEpoch = Number.POSITIVE_INFINITY } = range;
  const add = ({ epoch }: { epoch: number }) => void (epoch <= toEpoch && epochs.add(epoch));
  for (const ledger of ledgers) await ledger.fold({ outcome: add, started: add }, range, signal);
  return [...epochs].sort((x, y) => x - y);
}

const ABOUT_TIME: ReadonlySet<Rejection> = new Set(['window', 'left-out', 'opening-timeout', 'protocol']);
const ABOUT_REACH: ReadonlySet<Rejection> = new Set(['unreachable', 'elsewhere']);

function whyOf(
  a: Outcome | undefined,
  b: Outcome | undefined,
  { event, ...views }: { readonly event: string; readonly a: EpochView; readonly b: EpochView },
): DifferenceWhy | undefined {
  // of an event that neither completed nothing counts, for one as for the other
  if (views.a.started.has(event) && views.b.started.has(event))
    if (!views.a.completed.has(event) && !views.b.completed.has(event)) return undefined;
  for (const view of [views.a, views.b]) {
    if (view.completed.has(event)) continue;
    if (view.started.has(event)) return 'not-completed';
    if (!(view === views.a ? a : b)) return 'not-held';
  }
  if (!a || !b) return 'not-challenged';
  if (a.kind !== b.kind || a.paramsId !== b.paramsId) return 'parameters';
  const verdicts = [a.verdict, b.verdict];
  if (verdictToString(a.verdict) === verdictToString(b.verdict))
    return canonicalJson(a.credit) === canonicalJson(b.credit) && a.share === b.share ? undefined : 'credit';
  if (verdicts.some(isDeclined)) return 'declined';
  if (verdicts.some(({ kind }) => kind === 'inconclusive')) return 'own-fault';
  if (verdicts.every(({ kind }) => kind === 'rejected')) return 'reason';
  const rejected = verdicts.find(({ kind }) => kind === 'rejected')!; // they differ, and none is inconclusive
  if (isAboutContent(rejected)) return 'content';
  return isOf(rejected, ABOUT_REACH) ? 'reach' : isOf(rejected, ABOUT_TIME) ? 'time' : 'content';
}

const isOf = (verdict: Verdict, reasons: ReadonlySet<Rejection>): boolean =>
  verdict.kind === 'rejected' && reasons.has(verdict.reason);

const shown = (outcome: Outcome | undefined): Difference['a'] =>
  outcome && { id: outcome.id, verdict: outcome.verdict, share: outcome.share };

function ownerIn({ owner }: Comparable): NonNullable<Comparable['owner']> {
  if (owner) return owner;
  throw new AssayError('invalid-input', 'a ledger without an entry', {
    what: 'ledger',
    expected: 'one with an entry',
    got: 'none',
  });
}

/** The first epoch that one hotkey signed twice, over different things. */
function forkOf(a: Comparable, b: Comparable): { epoch: number } | undefined {
  const signed = new Map(a.heads().map((head) => [head.epoch, head]));
  for (const head of b.heads()) {
    const other = signed.get(head.epoch);
    if (other && (other.records !== head.records || toHex(other.link) !== toHex(head.link)))
      return { epoch: head.epoch };
  }
  return undefined;
}
