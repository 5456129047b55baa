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
import type { Environment } from '../../verification/environments/environment.js';
import { type AuditInput, audit, type Handed } from '../../verification/rollouts/audit.js';
import { WINDOWS } from '../../verification/rollouts/credit.js';
import { isBroken, type MinerCounts } from '../../verification/rollouts/detector.js';
import { privateMessage } from '../../verification/rollouts/draw.js';
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
  NEW_STANDING,
  type Standing,
  settle,
  weightMillis,
} from '../../verification/rollouts/standing.js';
import { readFile, readManifest } from '../../verification/rollouts/submission.js';
import { decodeVerdict, encodeVerdict, type VerdictRecord } from '../../verification/rollouts/verdict.js';
import type { Collected } from './collect.js';
import type { Delivery } from './ledger.js';
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

/** Audits of one miner that our own model may fail before the window goes on without a credit for it. */
const ATTEMPTS = 3;

export interface WindowBook {
  /** What is known of a miner before the next window is judged. */
  standingOf(miner: Hotkey): Standing;
  /** Once for each window, in order. */
  close(window: Pick<Collected, 'window' | 'deliveries'>, verdicts: ReadonlyMap<Hotkey, Uint8Array>): void;
  /** weights as of the newest closed window, thousandths of tokens a window */
  credit(): ReadonlyMap<Hotkey, number>;
  /** every miner that ever handed something in */
  standings(): ReadonlyMap<Hotkey, Standing>;
  /** whether nobody could be convicted in the newest closed window, because the fault may be ours */
  isBroken(): boolean;
}

/** A function of the ledger alone: whoever has it comes to the same standings. */
export function createWindowBook({ rules }: Pick<JudgeRules, 'rules'>): WindowBook {
  const standings = new Map<Hotkey, Standing>();
  /** by miner, of the last twelve windows */
  const counts = new Map<Hotkey, (MinerCounts & { readonly window: number })[]>();
  let newest = 0;
  let broken = false;
  const standingOf = (miner: Hotkey): Standing => standings.get(miner) ?? NEW_STANDING;

  return {
    standingOf,
    close({ window, deliveries }, verdicts) {
      newest = window;
      const after = new Map<Hotkey, Standing>();
      for (const { miner, is } of deliveries) {
        const record = verdicts.get(miner);
        if (record) {
          const verdict = decodeVerdict(record);
          after.set(miner, verdict.after);
          remember(miner, window, verdict);
        } else if (is === 'missing') after.set(miner, afterMissing(standingOf(miner), window));
      }
      const free = [...counts].filter(([miner]) => standingOf(miner).conviction === undefined);
      const now = free.flatMap(([, own]) => own.filter((each) => each.window === window));
      const pool = free.map(([, own]) => sum(own.filter((each) => each.window > window - WINDOWS)));
      broken = isBroken(now, pool, boundOf(rules, Number.MAX_SAFE_INTEGER));
      for (const [miner, standing] of after) standings.set(miner, settle(standing, window, broken));
    },
    credit: () => new Map([...standings].map(([miner, standing]) => [miner, weightMillis(standing, newest)])),
    standings: () => standings,
    isBroken: () => broken,
  };

  function remember(miner: Hotkey, window: number, { picks }: VerdictRecord): void {
    const own = (counts.get(miner) ?? []).filter((each) => each.window > window - WINDOWS);
    const judged = picks.filter(({ outcome }) => outcome === 'valid' || outcome === 'wrong');
    const wrong = judged.filter(({ outcome }) => outcome === 'wrong').length;
    counts.set(miner, [...own, { window, audited: judged.length, wrong }]);
  }
}

const sum = (all: readonly MinerCounts[]): MinerCounts =>
  all.reduce((a, b) => ({ audited: a.audited + b.audited, wrong: a.wrong + b.wrong }), {
    audited: 0,
    wrong: 0,
  });

export interface AuditJudge extends WindowJudge, Pick<WindowBook, 'standings'> {}

export function createWindowJudge(parts: JudgeParts, options: JudgeRules): AuditJudge {
  const { environment, keypair, log } = parts;
  const { rules } = options;
  if (!equals(environment.digest, options.policy.environmentDigest))
    throw new TypeError("environment: expected the one of the policy's digest, got another");
  const book = createWindowBook(options);

  return {
    async *judge(window, signal) {
      const { collected, round, judged } = window;
      const model = await parts.modelOf(collected.context.checkpointDigest, signal);
      const median = await medianOf(window, options, model.vocabulary);
      for (const delivery of collected.deliveries) {
        if (delivery.is === 'missing' || judged.has(delivery.miner)) continue;
        const input = await inputOf(window, options, delivery, model.vocabulary);
        const { hotkey } = input;
        const { netuid } = collected.context;
        const subject = { beacon: round, netuid, window: collected.window, hotkey };
        const state = {
          auditBeacon: round,
          median,
          validator: keypair.publicKey,
          vrfProof: keypair.vrf(privateMessage(subject)),
          before: book.standingOf(delivery.miner),
        };
        let record = await audit({ model, environment, rules }, input, state, signal);
        for (let attempt = 1; record.state === 'pending' && attempt < ATTEMPTS; attempt++)
          record = await audit({ model, environment, rules }, input, state, signal);
        if (record.state === 'pending')
          log.error('a miner could not be judged here: no credit for the window, and nothing against it', {
            window: collected.window,
            miner: delivery.miner,
          });
        yield { miner: delivery.miner, record: encodeVerdict(record) } satisfies WindowVerdict;
      }
    },
    close: book.close,
    credit: book.credit,
    standings: book.standings,
  };
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
  delivery: Exclude<Delivery, { is: 'missing' }>,
  vocabulary: number,
): Promise<AuditInput> {
  const hotkey = fromAddress(delivery.miner);
  const committed = delivery.manifest;
  const { context } = collected;
  const base = { window: context, policy, hotkey, committed };
  if (delivery.is === 'refused') return { ...base, handed: refuse(toReason(delivery.reason)) };
  const reading = { ...base, vocabulary, quota };
  const manifest = await read(delivery.manifest);
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
