// Owns: one rollout's tokens against a model and its stream: stop ids everywhere, the banded margin where asked. Does not own:
// which rollouts and positions (draw.ts), what a wrong token costs (audit.ts, consumed.ts).
import type { Hidden, LanguageModel, Position } from '../../inference/language-model.js';
import { liftOf, likelihoodOf, raceZ } from '../../inference/spec/distribution.js';
import type { Policy } from '../../inference/spec/policy.js';
import { temperatureOf } from '../../inference/spec/policy.js';
import { judge, type RaceRules, type Row, rowOf, sentinel } from '../../inference/spec/race.js';
import type { StreamKey } from '../../inference/spec/stream.js';
import type { Evidence } from './evidence.js';

/** Rows of candidates held at once: 128 of 1024 are 1 MiB. */
const HEAD_ROWS = 128;
/** Positions whose stop ids are asked for at once. */
const SENTINEL_ROWS = 1024;
/** Tokens of one prefill, padding included: what its activations may take. */
const BATCH_TOKENS = 16_384;

export interface Subject {
  readonly prompt: Uint32Array;
  readonly tokens: Uint32Array;
  readonly key: StreamKey;
}

/** What the model reads: all but the last token, which predicts nothing of the rollout. */
export function sequenceOf({ prompt, tokens }: Pick<Subject, 'prompt' | 'tokens'>): Uint32Array {
  const sequence = new Uint32Array(prompt.length + tokens.length - 1);
  sequence.set(prompt);
  sequence.set(tokens.subarray(0, tokens.length - 1), prompt.length);
  return sequence;
}

/** In batches of like lengths, so that little is padded; each batch as places in `sequences`. */
export function batchesOf(sequences: readonly Uint32Array[]): number[][] {
  const order = sequences
    .map((_, i) => i)
    .sort((a, b) => sequences[a]!.length - sequences[b]!.length || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const i of order) {
    // the longest is the last: all are padded to it
    if (batch.length > 0 && (batch.length + 1) * sequences[i]!.length > BATCH_TOKENS) {
      batches.push(batch);
      batch = [];
    }
    batch.push(i);
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/** What one judged position says to whoever wants more than evidences: a trainer its log-probabilities. */
export interface Judging {
  readonly position: number;
  readonly row: Row;
  readonly token: number;
  /** of the token, wherever it was found */
  readonly logit: number;
}

export interface JudgedRollout {
  readonly kind: 'judged';
  readonly wrong: boolean;
  readonly evidences: readonly Evidence[];
  /** what the rows let the scan expect */
  readonly rows: number;
  readonly lift: number;
}

/** Of our own: logits that are no numbers. */
export interface JudgeFault {
  readonly kind: 'fault';
  readonly why: string;
}

/** @param hidden of a prefill whose sequence `at` is `sequenceOf(subject)`; errors of the model are thrown */
export async function judgeRollout(
  parts: {
    readonly model: Pick<LanguageModel, 'vocabulary'>;
    readonly policy: Policy;
    readonly tolerance: number;
    readonly onRow?: (judging: Judging) => void;
  },
  looked: {
    readonly hidden: Hidden;
    readonly at: number;
    readonly subject: Subject;
    /** ascending; all of them: deep */
    readonly positions: readonly number[];
  },
  signal: AbortSignal,
): Promise<JudgedRollout | JudgeFault> {
  const { model, policy, onRow } = parts;
  const { subject } = looked;
  const rules: RaceRules = {
    temperature: temperatureOf(policy),
    vocabulary: model.vocabulary,
    tolerance: parts.tolerance,
  };
  const { length } = subject.tokens;
  const drawn = new Set(looked.positions);
  let suspects: readonly number[] = [];
  const isPartial = drawn.size < length && policy.stopIds.length > 0;
  if (isPartial) {
    const found = await sentinels(rules, policy.stopIds, looked, signal);
    if (!Array.isArray(found)) return found;
    suspects = found;
  }
  const flagged = new Set(suspects);
  const positions = [...new Set([...drawn, ...suspects])].sort((a, b) => a - b);
  let [wrong, confirmed, near, zSum, lift] = [0, 0, 0, 0, 0];
  let [maxMargin, worst] = [0, -1];
  for (let from = 0; from < positions.length; from += HEAD_ROWS) {
    const chunk = positions.slice(from, from + HEAD_ROWS);
    const rows = await rowsOf(looked, chunk, policy.candidates, signal);
    for (const { position, row, logit, token } of rows) {
      const place = { key: subject.key, position };
      const judged = judge(rules, row, place, token, logit);
      if (judged.kind === 'fault') return judged;
      const likely = likelihoodOf(row, rules.temperature, token, logit);
      const rise = liftOf(row, rules.temperature);
      if (typeof rise !== 'number') return rise;
      if (likely.kind === 'fault') return likely;
      // a token outside the candidates has no share of them worth the name
      zSum += raceZ(place, token, Math.max(likely.probability, Number.MIN_VALUE));
      lift += rise;
      if (judged.violation) {
        wrong++;
        if (flagged.has(position)) confirmed++;
      } else if (judged.margin > 0) near++;
      if (judged.violation && worst < 0) worst = position;
      if (judged.margin > maxMargin) [maxMargin, worst] = [judged.margin, position];
      onRow?.({ position, row, token, logit });
    }
  }
  const n = positions.length;
  const evidences: Evidence[] = [];
  if (isPartial)
    evidences.push({
      check: 'sentinel',
      kind: confirmed > 0 ? 'violation' : 'ok',
      n: length,
      mismatches: confirmed,
      maxMargin: 0,
    });
  evidences.push(
    {
      check: 'margin',
      kind: wrong > 0 ? 'violation' : 'ok',
      n,
      mismatches: wrong,
      maxMargin,
      ...(worst < 0 ? {} : { position: worst }),
    },
    { check: 'near', kind: 'statistic', n, mismatches: near, maxMargin: 0, value: 0 },
    { check: 'race', kind: 'statistic', n, mismatches: 0, maxMargin: 0, value: zSum },
  );
  return { kind: 'judged', wrong: wrong > 0, evidences, rows: n, lift };
}

type Looked = Parameters<typeof judgeRollout>[1];

const placeOf = ({ at, subject }: Looked, position: number): Position => ({
  sequence: at,
  position: subject.prompt.length + position - 1,
});

/** Where a stop id would have beaten the token, had it been among the candidates: two rows of the output matrix a position. */
async function sentinels(
  rules: RaceRules,
  stopIds: readonly number[],
  looked: Looked,
  signal: AbortSignal,
): Promise<number[] | JudgeFault> {
  const { tokens, key } = looked.subject;
  const suspects: number[] = [];
  const width = 1 + stopIds.length;
  for (let from = 0; from < tokens.length; from += SENTINEL_ROWS) {
    const part = tokens.subarray(from, from + SENTINEL_ROWS);
    const ids = new Int32Array(part.length * width);
    part.forEach((token, i) => {
      ids.set([token, ...stopIds], i * width);
    });
    const places = Array.from(part, (_, i) => placeOf(looked, from + i));
    const logits = await looked.hidden.logitsOf(places, ids, signal);
    for (const [i, token] of part.entries()) {
      const [own, ...others] = logits.subarray(i * width, (i + 1) * width);
      const sighted = sentinel(rules, {
        key,
        position: from + i,
        token,
        logit: own!,
        ids: stopIds,
        logits: Float32Array.from(others),
      });
      if (sighted.kind === 'fault') return sighted;
      if (sighted.finding !== 'clear') suspects.push(from + i);
    }
  }
  return suspects;
}

/** Candidates at `positions`, each with the token's own logit: looked up where it is not among them. */
async function rowsOf(
  looked: Looked,
  positions: readonly number[],
  candidates: number,
  signal: AbortSignal,
): Promise<Judging[]> {
  const { tokens } = looked.subject;
  const places = positions.map((position) => placeOf(looked, position));
  const head = await looked.hidden.head(places, candidates, signal);
  const rows = positions.map((_, i) => rowOf(head, i));
  const missing = positions.flatMap((position, i) => (rows[i]!.ids.includes(tokens[position]!) ? [] : [i]));
  const extra =
    missing.length === 0
      ? new Float32Array(0)
      : await looked.hidden.logitsOf(
          missing.map((i) => places[i]!),
          Int32Array.from(missing, (i) => tokens[positions[i]!]!),
          signal,
        );
  const own = new Map(missing.map((i, n) => [i, extra[n]!]));
  return positions.map((position, i) => {
    const row = rows[i]!;
    const token = tokens[position]!;
    return { position, row, token, logit: own.get(i) ?? row.logits[row.ids.indexOf(token)]! };
  });
}
