// Owns: one window of one miner before a validator, from its bytes to a record; every liar with its rates over windows. Does not
// own: the checks (verification/rollouts), the lies.
import type { LanguageModel } from '../../../inference/language-model.js';
import type { Policy } from '../../../inference/spec/policy.js';
import { taggedHash } from '../../../inference/spec/tagged.js';
import type { WindowContext } from '../../../inference/spec/window.js';
import { type VrfKeypair, verifySignature } from '../../../keys/keypair.js';
import type { Environment } from '../../../verification/environments/environment.js';
import { audit, type Handed } from '../../../verification/rollouts/audit.js';
import { privateMessage } from '../../../verification/rollouts/draw.js';
import { createLengths } from '../../../verification/rollouts/paid.js';
import type { Checked } from '../../../verification/rollouts/reasons.js';
import type { AuditRules } from '../../../verification/rollouts/rules.js';
import { isAtMark, NEW_STANDING, type Standing } from '../../../verification/rollouts/standing.js';
import { readFile, readManifest } from '../../../verification/rollouts/submission.js';
import type { VerdictRecord } from '../../../verification/rollouts/verdict.js';
import type { Finding, RolloutLiar } from './liar.js';
import type { HandedIn, Mining } from './window.js';

export interface Judge {
  readonly model: LanguageModel;
  readonly environment: Environment;
  readonly policy: Policy;
  readonly rules: AuditRules;
  /** rollouts of a window */
  readonly quota: number;
  readonly validator: Pick<VrfKeypair, 'publicKey' | 'vrf'>;
}

export interface Met {
  readonly findings: ReadonlySet<Finding>;
  readonly record: VerdictRecord;
}

/** As a validator does: the manifest within limits, the file, the audit. */
export async function meet(
  judge: Judge,
  of: {
    readonly window: WindowContext;
    readonly hotkey: Uint8Array;
    readonly handed: HandedIn;
    readonly before?: Standing;
  },
  signal: AbortSignal,
): Promise<Met> {
  const { environment, model, policy, rules, quota, validator } = judge;
  const { window, hotkey, handed, before = NEW_STANDING } = of;
  const reading = {
    window,
    policy,
    hotkey,
    committed: handed.committed,
    vocabulary: model.vocabulary,
    quota,
  };
  const read = readHanded();
  const auditBeacon = {
    kind: window.beacon.kind,
    round: window.beacon.round + 1n,
    signature: taggedHash('corpus-audit', window.beacon.signature),
  };
  const subject = { beacon: auditBeacon, netuid: window.netuid, window: window.window, hotkey };
  const lengths = createLengths(policy.maxTokens);
  if (read.kind === 'ok') lengths.add(read.value.file, read.value.broken);
  const record = await audit(
    { model, environment, rules },
    { window, policy, hotkey, committed: handed.committed, handed: read },
    {
      auditBeacon,
      median: lengths.median(),
      validator: validator.publicKey,
      vrfProof: validator.vrf(privateMessage(subject)),
      before,
    },
    signal,
  );
  const findings = new Set<Finding>(record.reason ? [record.reason] : []);
  if (read.kind === 'ok') for (const reason of read.value.invalid.values()) findings.add(reason);
  for (const evidence of [record, ...record.picks].flatMap(({ evidences }) => evidences))
    if (evidence.kind === 'violation' || (evidence.check === 'scan' && evidence.mismatches > 0))
      findings.add(evidence.check);
  return { findings, record };

  function readHanded(): Checked<Handed> {
    const signed = readManifest(handed.manifest, reading, verifySignature);
    if (signed.kind === 'refused') return signed;
    const file = readFile(handed.file, signed.value, reading);
    return file.kind === 'refused' ? file : { kind: 'ok', value: { ...file.value, signed: signed.value } };
  }
}

/** Of one miner over windows; a conviction begins anew with a new standing, as a new key would. */
export interface Rates {
  readonly name: string;
  readonly windows: number;
  /** windows in which none of its named checks found anything; all of them where none is named */
  readonly missed: number;
  /** rollouts that were drawn and judged, and of them those found wrong */
  readonly judged: number;
  readonly wrong: number;
  /** windows from the first to the one of each conviction, in order */
  readonly convicted: readonly number[];
}

/** @param options.miningOf the miner's window of that number */
export async function measure(
  judge: Judge,
  liar: Pick<RolloutLiar, 'name' | 'caughtBy' | 'make'>,
  {
    windows,
    miningOf,
    onWindow = () => {},
  }: {
    readonly windows: number;
    readonly miningOf: (window: number) => Mining;
    readonly onWindow?: (window: number) => void;
  },
  signal: AbortSignal,
): Promise<Rates> {
  let [missed, judged, wrong] = [0, 0, 0];
  let [before, since] = [NEW_STANDING, 0];
  const convicted: number[] = [];
  for (let window = 1; window <= windows; window++) {
    const mining = miningOf(window);
    const handed = await liar.make(mining, signal);
    const of = { window: mining.window, hotkey: mining.key.publicKey, handed, before };
    const { findings, record } = await meet(judge, of, signal);
    if (!liar.caughtBy.some((check) => findings.has(check))) missed++;
    for (const { outcome } of record.picks) {
      if (outcome === 'valid' || outcome === 'wrong') judged++;
      if (outcome === 'wrong') wrong++;
    }
    // what the scan calls for is left out: rates are those of the ordinary draw
    const { closerUntil: _, ...after } = record.after;
    before = after;
    if (isAtMark(before)) {
      convicted.push(window - since);
      [before, since] = [NEW_STANDING, window];
    }
    onWindow(window);
  }
  return { name: liar.name, windows, missed, judged, wrong, convicted };
}
