// Owns: what pages know of a ledger: every check of the last epochs in columns, sums of each hotkey, rows that were scored and set.
// Does not own: reading a ledger (validator/ledger), what of it is shown.
import { type Credit, RESOURCES } from '../model/credit.js';
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import { accepted, CAUSES, inconclusive, REJECTIONS, rejected, type Verdict } from '../model/verdict.js';
import type { ScoredEntry, WeightsEntry } from '../validator/ledger/entries.js';
import type { LedgerFold } from '../validator/ledger/load.js';

/** One check of one slot, as whoever shows it knows it. */
export interface Check {
  /** names the evidence; empty where nobody said */
  readonly id: string;
  /** unix ms */
  readonly atMs: number;
  readonly validator: string;
  /** undefined in receipts */
  readonly epoch: number | undefined;
  readonly block: number;
  readonly kind: string | undefined;
  readonly paramsId: string;
  readonly slot: number;
  readonly verdict: Verdict['kind'];
  /** of what is not accepted; empty where nobody said */
  readonly reason: string;
  readonly measuredMs: number | undefined;
  /** of its class's nominal credit */
  readonly share: number;
  /** between events: it says that the slot is there, and nothing of what it can do */
  readonly liveness: boolean;
}

/** What is known of a hotkey by the checks of the last EPOCHS epochs. */
export interface Standing {
  readonly hotkey: Hotkey;
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  /** why the newest that was rejected was */
  readonly lastRejection: string | undefined;
  readonly lastAtMs: number;
  /** slots that had a check */
  readonly slots: number;
  /** by slot, newest accepted: what each parameter set credited */
  readonly proven: readonly Proven[];
  /** sum of the newest accepted credit of all slots */
  readonly credit: Credit;
  /** mean share of the checks of each epoch that were judged, oldest first; undefined where none was */
  readonly trend: readonly (number | undefined)[];
}

export interface Proven {
  readonly slot: number;
  readonly kind: string;
  readonly paramsId: string;
  readonly credit: Credit;
  readonly share: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly simulated: boolean;
}

/** Times of the accepted first steps of one parameter set, over all hotkeys, ms. */
export interface Band {
  readonly checks: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

export interface ScoredRow {
  readonly epoch: number;
  readonly block: number;
  readonly policy: string;
  /** of 1, by hotkey; zeros left out */
  readonly shares: ReadonlyMap<string, number>;
}

export interface History extends LedgerFold {
  /** Another one after each entry that was told. */
  readonly revision: number;
  /** whose ledger; undefined before the first outcome */
  readonly validator: Hotkey | undefined;
  readonly checks: number;
  /** of the newest outcome; undefined before the first */
  readonly epoch: number | undefined;
  readonly newestMs: number | undefined;
  hotkeys(): IterableIterator<Hotkey>;
  standing(hotkey: string): Standing | undefined;
  /** Newest first. */
  checksOf(hotkey: string, limit: number): readonly Check[];
  band(paramsId: string): Band | undefined;
  /** what the newest epoch was paid, by this validator */
  scoredRow(): ScoredRow | undefined;
  /** the newest row that was read back from the chain */
  weightsSet(): WeightsEntry | undefined;
}

export interface HistoryOptions {
  /** Of the newest checks at least so many are held, and at most a chunk more. @default 2^20, 60 MB when it is full */
  readonly most?: number;
}

/** Epochs that sums and trends go over: on mainnet a day and a bit. */
export const EPOCHS = 24;
/** Columns grow by so many rows. */
const CHUNK = 1 << 14;
/** Rows of a set that its band is made of, the newest. */
const BAND_ROWS = 1024;
/** Miners beyond it are not told apart: more hotkeys than any subnet has had in these epochs. */
const MOST_HOTKEYS = 1 << 16;
const MOST_SLOTS = 256;

const VERDICTS: readonly Verdict[] = [accepted, ...REJECTIONS.map(rejected), ...CAUSES.map(inconclusive)];
const codeOf = (verdict: Verdict): number =>
  verdict.kind === 'accepted'
    ? 0
    : verdict.kind === 'rejected'
      ? 1 + REJECTIONS.indexOf(verdict.reason)
      : 1 + REJECTIONS.length + CAUSES.indexOf(verdict.cause);

interface Chunk {
  readonly at: Float64Array;
  readonly epoch: Uint32Array;
  readonly block: Uint32Array;
  readonly measured: Float32Array;
  readonly share: Float32Array;
  readonly miner: Uint16Array;
  readonly slot: Uint16Array;
  readonly set: Uint16Array;
  readonly verdict: Uint8Array;
  readonly liveness: Uint8Array;
  readonly id: Uint8Array;
  /** the one before of the same miner, and of the same set; -1 for none */
  readonly before: Int32Array;
  readonly beforeInSet: Int32Array;
}

const newChunk = (): Chunk => ({
  at: new Float64Array(CHUNK),
  epoch: new Uint32Array(CHUNK),
  block: new Uint32Array(CHUNK),
  measured: new Float32Array(CHUNK),
  share: new Float32Array(CHUNK),
  miner: new Uint16Array(CHUNK),
  slot: new Uint16Array(CHUNK),
  set: new Uint16Array(CHUNK),
  verdict: new Uint8Array(CHUNK),
  liveness: new Uint8Array(CHUNK),
  id: new Uint8Array(16 * CHUNK),
  before: new Int32Array(CHUNK),
  beforeInSet: new Int32Array(CHUNK),
});

/** Sums of one hotkey: a ring of epochs. */
interface Tally {
  readonly hotkey: Hotkey;
  readonly epochs: Uint32Array;
  /** three of each epoch */
  readonly counts: Uint16Array;
  readonly shares: Float32Array;
  readonly judged: Uint16Array;
  readonly proven: Map<number, Proven>;
  /** by slot, the newest epoch of a check */
  readonly seen: Map<number, number>;
  last: number;
  lastAtMs: number;
  lastRejection: string | undefined;
  /** as it was made last, while nothing was told since */
  standing: { readonly newest: number; readonly value: Standing } | undefined;
}

interface ParameterSet {
  readonly kind: string;
  readonly paramsId: string;
  last: number;
  rows: number;
  band: { readonly rows: number; readonly value: Band | undefined } | undefined;
}

const NO_EPOCH = 0xffffffff;

/** Told of a ledger's entries in their order, it keeps what pages show; pure but for what it was told. */
export function createHistory({ most = 1 << 20 }: HistoryOptions = {}): History {
  const chunks: (Chunk | undefined)[] = [];
  const byHotkey = new Map<string, { index: number; tally: Tally }>();
  const tallies: Tally[] = [];
  const sets: ParameterSet[] = [];
  const bySet = new Map<string, number>();
  /** event to whether it is a check between events; only the newest, for outcomes follow their event */
  const liveness = new Map<string, boolean>();
  let next = 0;
  let first = 0;
  let revision = 0;
  let validator: Hotkey | undefined;
  let newestEpoch: number | undefined;
  let newestMs: number | undefined;
  let scored: ScoredEntry | undefined;
  let scoredRow: ScoredRow | undefined;
  let weights: WeightsEntry | undefined;

  const chunkOf = (row: number): Chunk => chunks[Math.floor(row / CHUNK)]!;

  function tallyOf(hotkey: Hotkey): { index: number; tally: Tally } | undefined {
    const known = byHotkey.get(hotkey);
    if (known) return known;
    if (tallies.length >= MOST_HOTKEYS) return undefined;
    const tally: Tally = {
      hotkey,
      epochs: new Uint32Array(EPOCHS).fill(NO_EPOCH),
      counts: new Uint16Array(3 * EPOCHS),
      shares: new Float32Array(EPOCHS),
      judged: new Uint16Array(EPOCHS),
      proven: new Map(),
      seen: new Map(),
      last: -1,
      lastAtMs: 0,
      lastRejection: undefined,
      standing: undefined,
    };
    const made = { index: tallies.length, tally };
    tallies.push(tally);
    byHotkey.set(hotkey, made);
    return made;
  }

  function setOf(kind: string, paramsId: string): number {
    const name = `${kind} ${paramsId}`;
    const known = bySet.get(name);
    if (known !== undefined) return known;
    if (sets.length >= 0xffff) return 0;
    sets.push({ kind, paramsId, last: -1, rows: 0, band: undefined });
    bySet.set(name, sets.length - 1);
    return sets.length - 1;
  }

  /** of an event whose beginning stands before what was told, the kind says it: no other asks between events */
  const isBetween = ({ event, kind }: Outcome): boolean => liveness.get(event) ?? kind === 'liveness';

  function count(tally: Tally, outcome: Outcome): void {
    const at = outcome.epoch % EPOCHS;
    const stands = tally.epochs[at]!;
    if (stands !== outcome.epoch) {
      if (stands !== NO_EPOCH && stands > outcome.epoch) return; // older than what is summed
      tally.epochs[at] = outcome.epoch;
      tally.counts.fill(0, 3 * at, 3 * at + 3);
      tally.shares[at] = 0;
      tally.judged[at] = 0;
    }
    const { verdict } = outcome;
    const place = verdict.kind === 'accepted' ? 0 : verdict.kind === 'rejected' ? 1 : 2;
    tally.counts[3 * at + place]!++;
    if (place < 2 && !isBetween(outcome)) {
      tally.judged[at]!++;
      tally.shares[at]! += outcome.share;
    }
  }

  function outcome(told: Outcome): void {
    revision++;
    validator ??= told.validator;
    newestEpoch = Math.max(newestEpoch ?? 0, told.epoch);
    newestMs = Math.max(newestMs ?? 0, told.at);
    const found = tallyOf(told.miner);
    if (!found) return;
    const { index, tally } = found;
    const isCheck = isBetween(told);
    tally.standing = undefined;
    count(tally, told);
    if (tally.seen.size < MOST_SLOTS || tally.seen.has(told.slot)) tally.seen.set(told.slot, told.epoch);
    tally.lastAtMs = Math.max(tally.lastAtMs, told.at);
    if (told.verdict.kind === 'rejected') tally.lastRejection = told.verdict.reason;
    if (told.verdict.kind === 'accepted' && !isCheck && tally.seen.has(told.slot))
      tally.proven.set(told.slot, {
        slot: told.slot,
        kind: told.kind,
        paramsId: told.paramsId,
        credit: told.credit,
        share: told.share,
        epoch: told.epoch,
        atMs: told.at,
        simulated: told.simulated === true,
      });
    const row = next++;
    const at = row % CHUNK;
    if (at === 0) chunks.push(newChunk());
    const chunk = chunkOf(row);
    const setIndex = setOf(told.kind, told.paramsId);
    const set = sets[setIndex]!;
    chunk.at[at] = told.at;
    chunk.epoch[at] = told.epoch;
    chunk.block[at] = told.eventBlock;
    chunk.measured[at] = told.measuredMs ?? Number.NaN;
    chunk.share[at] = told.share;
    chunk.miner[at] = index;
    chunk.slot[at] = told.slot;
    chunk.set[at] = setIndex;
    chunk.verdict[at] = codeOf(told.verdict);
    chunk.liveness[at] = isCheck ? 1 : 0;
    chunk.id.set(Buffer.from(told.id, 'hex').subarray(0, 16), 16 * at);
    chunk.before[at] = tally.last;
    chunk.beforeInSet[at] = set.last;
    tally.last = row;
    set.last = row;
    set.rows++;
    while (next - first - CHUNK >= most) {
      chunks[Math.floor(first / CHUNK)] = undefined;
      first += CHUNK;
    }
  }

  function checkAt(row: number): Check {
    const chunk = chunkOf(row);
    const at = row % CHUNK;
    const verdict = VERDICTS[chunk.verdict[at]!]!;
    const { kind, paramsId } = sets[chunk.set[at]!]!;
    const measured = chunk.measured[at]!;
    return {
      id: Buffer.from(chunk.id.buffer, 16 * at, 16).toString('hex'),
      atMs: chunk.at[at]!,
      validator: validator ?? '',
      epoch: chunk.epoch[at]!,
      block: chunk.block[at]!,
      kind,
      paramsId,
      slot: chunk.slot[at]!,
      verdict: verdict.kind,
      reason:
        verdict.kind === 'rejected' ? verdict.reason : verdict.kind === 'inconclusive' ? verdict.cause : '',
      measuredMs: Number.isNaN(measured) ? undefined : measured,
      share: chunk.share[at]!,
      liveness: chunk.liveness[at] === 1,
    };
  }

  function bandOf(set: ParameterSet): Band | undefined {
    const times: number[] = [];
    let row = set.last;
    for (let seen = 0; row >= first && seen < 4 * BAND_ROWS && times.length < BAND_ROWS; seen++) {
      const chunk = chunkOf(row);
      const at = row % CHUNK;
      const measured = chunk.measured[at]!;
      if (chunk.verdict[at] === 0 && !Number.isNaN(measured)) times.push(measured);
      row = chunk.beforeInSet[at]!;
    }
    if (times.length < 3) return undefined;
    times.sort((a, b) => a - b);
    const at = (share: number): number =>
      times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
    return { checks: times.length, p10: at(0.1), p50: at(0.5), p90: at(0.9) };
  }

  return {
    get revision() {
      return revision;
    },
    get validator() {
      return validator;
    },
    get checks() {
      return next;
    },
    get epoch() {
      return newestEpoch;
    },
    get newestMs() {
      return newestMs;
    },
    outcome,
    started(event) {
      liveness.set(event.event, event.liveness === true);
      if (liveness.size > 1024) liveness.delete(liveness.keys().next().value!);
    },
    completed() {
      revision++;
    },
    scored(entry) {
      revision++;
      scored = entry;
      scoredRow = undefined;
    },
    scoredRow() {
      if (scored) scoredRow ??= toScoredRow(scored);
      return scoredRow;
    },
    weights(entry) {
      revision++;
      weights = entry;
    },
    weightsSet: () => weights,
    *hotkeys() {
      for (const { hotkey } of tallies) yield hotkey;
    },
    standing(hotkey) {
      const tally = byHotkey.get(hotkey)?.tally;
      if (!tally) return undefined;
      const newest = newestEpoch ?? 0;
      if (tally.standing?.newest !== newest) tally.standing = { newest, value: toStanding(tally, newest) };
      return tally.standing.value;
    },
    checksOf(hotkey, limit) {
      const found: Check[] = [];
      let row = byHotkey.get(hotkey)?.tally.last ?? -1;
      while (row >= first && found.length < limit) {
        found.push(checkAt(row));
        row = chunkOf(row).before[row % CHUNK]!;
      }
      return found;
    },
    band(paramsId) {
      const set = sets.find((each) => each.paramsId === paramsId);
      if (!set) return undefined;
      // another one when a twentieth more is known: it moves no faster than anybody reads
      if (!set.band || set.rows > set.band.rows * 1.05) set.band = { rows: set.rows, value: bandOf(set) };
      return set.band.value;
    },
  };
}

function toStanding(tally: Tally, newest: number): Standing {
  const trend: (number | undefined)[] = [];
  const counts = [0, 0, 0];
  for (let epoch = Math.max(0, newest - EPOCHS + 1); epoch <= newest; epoch++) {
    const at = epoch % EPOCHS;
    if (tally.epochs[at] !== epoch) {
      trend.push(undefined);
      continue;
    }
    for (let place = 0; place < 3; place++) counts[place]! += tally.counts[3 * at + place]!;
    const judged = tally.judged[at]!;
    trend.push(judged === 0 ? undefined : tally.shares[at]! / judged);
  }
  // what was proven before the epochs that are summed says nothing of today
  const isNow = (epoch: number): boolean => epoch > newest - EPOCHS;
  const proven = [...tally.proven.values()]
    .filter(({ epoch }) => isNow(epoch))
    .sort((a, b) => a.slot - b.slot);
  return {
    hotkey: tally.hotkey,
    accepted: counts[0]!,
    rejected: counts[1]!,
    inconclusive: counts[2]!,
    lastRejection: tally.lastRejection,
    lastAtMs: tally.lastAtMs,
    slots: [...tally.seen.values()].filter(isNow).length,
    proven,
    credit: sumOf(proven.map(({ credit }) => credit)),
    trend,
  };
}

function sumOf(credits: readonly Credit[]): Credit {
  const sum: Partial<Record<(typeof RESOURCES)[number], number>> = {};
  for (const credit of credits)
    for (const resource of RESOURCES) {
      const amount = credit[resource];
      if (amount !== undefined) sum[resource] = (sum[resource] ?? 0) + amount;
    }
  return sum;
}

function toScoredRow({ epoch, block, policy, row }: ScoredEntry): ScoredRow {
  const all = row.reduce((sum, [, value]) => sum + value, 0);
  const shares = new Map(
    row.filter(([, value]) => value > 0).map(([hotkey, value]) => [hotkey, value / all]),
  );
  return { epoch, block, policy, shares };
}
