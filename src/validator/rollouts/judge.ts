// Owns: judging a window's deliveries one after the other, and what is remembered of each miner from window to window: joins the
// pure audit with files, key and model. Does not own: the audit (verification/rollouts), the walk (run.ts).
import type { LanguageModel } from '../../inference/language-model.js';
import type { Policy } from '../../inference/spec/policy.js';
import { type VrfKeypair, verifySignature } from '../../keys/keypair.js';
import { fromAddress } from '../../keys/ss58.js';
import { equals, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { manifestName } from '../../rollouts/shelf.js';
import type { Environment } from '../../verification/environments/environment.js';
import { type AuditInput, audit, type Handed } from '../../verification/rollouts/audit.js';
import { WINDOWS } from '../../verification/rollouts/credit.js';
import { isAboveBound, isBroken, isEvasive } from '../../verification/rollouts/detector.js';
import { privateMessage } from '../../verification/rollouts/draw.js';
import { provesAgainst } from '../../verification/rollouts/equivocation.js';
import { createLengths } from '../../verification/rollouts/paid.js';
import {
  accept,
  type Checked,
  ROLLOUT_REASONS,
  type RolloutReason,
  refuse,
} from '../../verification/rollouts/reasons.js';
import { type AuditRules, boundOf } from '../../verification/rollouts/rules.js';
import {
  afterMissing,
  afterOurs,
  afterProof,
  NEW_STANDING,
  type Standing,
  settle,
  weightMillis,
} from '../../verification/rollouts/standing.js';
import { readFile, readManifest } from '../../verification/rollouts/submission.js';
import {
  decodeVerdict,
  encodeVerdict,
  type Outcome,
  type VerdictRecord,
} from '../../verification/rollouts/verdict.js';
import type { Alarm } from './alarms.js';
import type { Collected } from './collect.js';
import { type Delivery, isJudged, type JudgedDelivery, type ProvenEntry } from './ledger.js';
import type { WindowJudge, WindowToJudge, WindowVerdict } from './run.js';

export interface JudgeParts {
  /** The model of a checkpoint; the same one again for the same digest. */
  readonly modelOf: (checkpointDigest: Uint8Array, signal: AbortSignal) => Promise<LanguageModel>;
  readonly environment: Environment;
  readonly keypair: VrfKeypair;
  readonly log: Log;
}

export interface JudgeRules {
  readonly policy: Policy;
  readonly rules: AuditRules;
  /** rollouts that a miner may hand in for one window */
  readonly quota: number;
}

/** Audits of one miner that our own model may fail, each some time after the other, before the window goes on without credit for it. */
const ATTEMPTS = 5;

export interface WindowBook {
  /** What is known of a miner before the next window is judged. */
  standingOf(miner: Hotkey): Standing;
  /** Once for each window, in order. @returns takes effect, and cannot fail */
  close(
    window: Pick<Collected, 'window' | 'deliveries'>,
    verdicts: ReadonlyMap<Hotkey, Uint8Array>,
  ): () => void;
  /** Behind the end of a window, before the next one's verdicts. */
  prove(proven: Pick<ProvenEntry, 'window' | 'miner' | 'creditMillis'>): void;
  /** weights as of the newest closed window, thousandths of tokens a window */
  credit(): ReadonlyMap<Hotkey, number>;
  /** every miner that ever handed something in */
  standings(): ReadonlyMap<Hotkey, Standing>;
  /** of the newest closed window */
  alarms(): readonly Alarm[];
}

/** A function of the ledger alone: whoever has it comes to the same standings. */
export function createWindowBook({ rules }: Pick<JudgeRules, 'rules'>): WindowBook {
  const standings = new Map<Hotkey, Standing>();
  /** by miner, of the last twelve windows */
  let counts: ReadonlyMap<Hotkey, readonly Counts[]> = new Map();
  let newest = 0;
  let alarms: readonly Alarm[] = [];
  const standingOf = (miner: Hotkey): Standing => standings.get(miner) ?? NEW_STANDING;

  return {
    standingOf,
    close({ window, deliveries }, verdicts) {
      const after = new Map<Hotkey, Standing>();
      const counted = new Map(counts);
      for (const { miner, is } of deliveries) {
        const record = verdicts.get(miner);
        if (record) {
          const verdict = decodeVerdict(record);
          after.set(miner, verdict.after);
          const own = (counts.get(miner) ?? []).filter((each) => each.window > window - WINDOWS);
          counted.set(miner, [...own, { window, ...tallyOf(verdict) }]);
        } else if (is === 'missing') after.set(miner, afterMissing(standingOf(miner), window));
        else if (is === 'ours') after.set(miner, afterOurs(standingOf(miner), window));
      }
      const trailing = new Map(
        [...counted].map(([miner, own]) => [
          miner,
          sum(own.filter((each) => each.window > window - WINDOWS && each.window <= window)),
        ]),
      );
      // keys that hand in no more weigh nothing: they could be left behind by the dozen
      const present = [...trailing].filter(
        ([miner]) =>
          standingOf(miner).conviction === undefined &&
          counted.get(miner)?.some((each) => each.window === window && each.audited > 0),
      );
      const miners = present.map(([, own]) => own);
      const bound = boundOf(rules, Number.MAX_SAFE_INTEGER);
      const broken = isBroken(miners, bound);
      const ring: Alarm[] = [
        ...(broken ? [{ is: 'broken' } as const] : []),
        ...(isAboveBound(miners, bound) ? [{ is: 'above-bound' } as const] : []),
        ...evasive(trailing),
      ];
      return () => {
        newest = window;
        alarms = ring;
        counts = counted;
        for (const [miner, standing] of after) standings.set(miner, settle(standing, window, broken));
      };
    },
    prove({ window, miner, creditMillis }) {
      standings.set(miner, afterProof(standingOf(miner), { window, creditMillis }, newest));
    },
    credit: () => new Map([...standings].map(([miner, standing]) => [miner, weightMillis(standing, newest)])),
    standings: () => standings,
    alarms: () => alarms,
  };
}

/** Rollouts that were judged, the wrong ones of them, and those that could not be. */
interface Tally {
  readonly audited: number;
  readonly wrong: number;
  readonly inconclusive: number;
}
interface Counts extends Tally {
  readonly window: number;
}

function tallyOf({ picks }: VerdictRecord): Tally {
  const count = (...of: readonly Outcome[]) => picks.filter(({ outcome }) => of.includes(outcome)).length;
  const wrong = count('wrong');
  return { audited: wrong + count('valid'), wrong, inconclusive: count('input', 'validator') };
}

const sum = (all: readonly Tally[]): Tally =>
  all.reduce(
    (a, b) => ({
      audited: a.audited + b.audited,
      wrong: a.wrong + b.wrong,
      inconclusive: a.inconclusive + b.inconclusive,
    }),
    { audited: 0, wrong: 0, inconclusive: 0 },
  );

function evasive(trailing: ReadonlyMap<Hotkey, Tally>): Alarm[] {
  const all = sum([...trailing.values()]);
  const drawn = ({ audited, inconclusive }: Tally) => audited + inconclusive;
  return [...trailing].flatMap(([miner, own]) => {
    const others = {
      inconclusive: all.inconclusive - own.inconclusive,
      audited: drawn(all) - drawn(own),
    };
    return isEvasive({ inconclusive: own.inconclusive, audited: drawn(own) }, others)
      ? [{ is: 'evasive', miner }]
      : [];
  });
}

export interface AuditJudge extends WindowJudge, Pick<WindowBook, 'standings'> {}

export function createWindowJudge(parts: JudgeParts, options: JudgeRules): AuditJudge {
  const { environment, keypair, log } = parts;
  const { rules } = options;
  if (!equals(environment.digest, options.policy.environmentDigest))
    throw new TypeError("environment: expected the one of the policy's digest, got another");
  const book = createWindowBook(options);
  /** of the window that is being judged, over its tries */
  let tries: Tries | undefined;

  return {
    async *judge(window, signal) {
      const { collected, round, judged } = window;
      const model = await parts.modelOf(collected.context.checkpointDigest, signal);
      if (tries?.window !== collected.window)
        tries = {
          window: collected.window,
          median: await medianOf(window, options, model.vocabulary),
          failed: new Map(),
        };
      const { median, failed } = tries;
      let pending = 0;
      for (const delivery of collected.deliveries) {
        const { miner } = delivery;
        if (!isJudged(delivery) || judged.has(miner)) continue;
        const input = await inputOf(window, options, delivery, model.vocabulary);
        const { hotkey } = input;
        const { netuid } = collected.context;
        const subject = { beacon: round, netuid, window: collected.window, hotkey };
        const at = { window: collected.window, miner };
        const before = failed.get(miner) ?? 0;
        const state = {
          auditBeacon: round,
          median,
          validator: keypair.publicKey,
          vrfProof: keypair.vrf(privateMessage(subject)),
          before: book.standingOf(miner),
          isLast: before + 1 >= ATTEMPTS && (await isWell(model, signal)),
        };
        const onFault = (error: unknown, place: number) =>
          log.error('the model failed on a drawn rollout', { ...at, place, error });
        const record = await audit({ model, environment, rules, onFault }, input, state, signal);
        if (record.state === 'pending') {
          // a model that fails on everything is gone, whatever is handed in: that counts against nobody
          failed.set(miner, Math.min(before + 1, ATTEMPTS - 1));
          pending++;
          continue;
        }
        if (record.state === 'partial')
          log.error('a miner could not be judged whole here: no credit for the window', {
            ...at,
            unjudged: record.picks.filter(({ outcome }) => outcome === 'validator').length,
          });
        yield { miner, record: encodeVerdict(record) } satisfies WindowVerdict;
      }
      if (pending > 0) {
        const what = `window ${collected.window}: the model failed on rollouts of ${pending} miners`;
        throw new AssayError('internal', what, { what });
      }
    },
    close: book.close,
    prove: book.prove,
    credit: book.credit,
    standings: book.standings,
    alarms: book.alarms,
  };

  /** Whether the model still gives logits of a prompt of nobody's. */
  async function isWell(model: LanguageModel, signal: AbortSignal): Promise<boolean> {
    try {
      const hidden = await model.prefill([environment.task(new Uint8Array(32)).prompt], signal);
      const { logits } = await hidden.head([{ sequence: 0, position: 0 }], options.policy.candidates, signal);
      hidden.release();
      return logits.every(Number.isFinite);
    } catch (error) {
      signal.throwIfAborted();
      log.error('the model fails on a plain prompt: nothing is judged', { error });
      return false;
    }
  }
}

interface Tries {
  readonly window: number;
  readonly median: number;
  /** by miner: attempts that our model failed */
  readonly failed: Map<Hotkey, number>;
}

/** Of every file that can be read, before any is paid. Read again for the audit: a window's files need not fit in memory at once. */
export async function medianOf(
  window: Pick<WindowToJudge, 'collected' | 'read'>,
  options: JudgeRules,
  vocabulary: number,
): Promise<number> {
  const lengths = createLengths(options.policy.maxTokens);
  for (const delivery of window.collected.deliveries) {
    if (delivery.is !== 'complete') continue;
    const { handed } = await inputOf(window, options, delivery, vocabulary);
    if (handed.kind === 'ok') lengths.add(handed.value.file, handed.value.broken);
  }
  return lengths.median();
}

/** What an audit of this delivery hangs on. @throws AssayError `corrupt` when what was fetched is not on the shelf any more */
export async function inputOf(
  { collected, read }: Pick<WindowToJudge, 'collected' | 'read'>,
  { policy, quota }: JudgeRules,
  delivery: JudgedDelivery,
  vocabulary: number,
): Promise<AuditInput> {
  const hotkey = fromAddress(delivery.miner);
  const committed = delivery.manifest;
  const { context } = collected;
  const base = { window: context, policy, hotkey, committed };
  if (delivery.is === 'refused') {
    const reason = toReason(delivery.reason);
    const { proof } = delivery;
    if (reason === 'equivocation' && !(proof && provesAgainst(proof, base, verifySignature))) {
      const why = `no proof that ${delivery.miner} signed two manifests of window ${context.window}`;
      throw new AssayError('corrupt', why, { path: 'ledger of windows', why });
    }
    return { ...base, handed: refuse(reason) };
  }
  const reading = { ...base, vocabulary, quota };
  const manifest = await read(manifestName(delivery.manifest));
  const file = await read(delivery.file);
  if (!manifest || !file) throw gone(delivery);
  const signed = readManifest(manifest, reading, verifySignature);
  // it was read so when it came: bytes that are others now are our disk's
  if (signed.kind === 'refused' || !equals(signed.value.manifest.fileSha256, delivery.file))
    throw gone(delivery);
  const rollouts = readFile(file, signed.value, reading);
  if (rollouts.kind === 'refused' && /^file-(bytes|digest)$/.test(rollouts.reason)) throw gone(delivery);
  const handed: Checked<Handed> =
    rollouts.kind === 'ok' ? accept({ ...rollouts.value, signed: signed.value }) : rollouts;
  return { ...base, handed };
}

const gone = ({ miner, manifest }: Delivery): AssayError<'corrupt'> => {
  const path = `files of ${miner}, manifest ${toHex(manifest).slice(0, 16)}`;
  const why = 'not as they were fetched';
  return new AssayError('corrupt', `${path}: ${why}`, { path, why });
};

const isReason = (text: string): text is RolloutReason => Object.hasOwn(ROLLOUT_REASONS, text);

/** @throws AssayError `corrupt` for a ledger of another version */
function toReason(text: string): RolloutReason {
  if (isReason(text)) return text;
  const why = `no reason of this version: ${text.slice(0, 40)}`;
  throw new AssayError('corrupt', why, { path: 'ledger of windows', why });
}
