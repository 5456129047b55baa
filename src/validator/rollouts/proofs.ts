// Owns: a proof of a wrong token held against a ledger of windows: whether it holds, and what follows for pay; the folder in which
// proofs wait for a validator. Does not own: what a proof says (verification/rollouts/consumed.ts), when one is looked at (run.ts).
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LanguageModel } from '../../inference/language-model.js';
import type { Policy } from '../../inference/spec/policy.js';
import { promptSeed, streamRoot } from '../../inference/spec/stream.js';
import { verifySignature } from '../../keys/keypair.js';
import { toAddress } from '../../keys/ss58.js';
import { toHex } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { errnoOf } from '../../model/invalid-input.js';
import type { Environment } from '../../verification/environments/environment.js';
import { confirmFraud, type FraudProof } from '../../verification/rollouts/consumed.js';
import { creditLeft, WINDOWS } from '../../verification/rollouts/credit.js';
import { decodeFraudProof, MAX_FRAUD_PROOF_BYTES } from '../../verification/rollouts/fraud-proof.js';
import { openManifest } from '../../verification/rollouts/manifest.js';
import { millisOf } from '../../verification/rollouts/paid.js';
import { accept, type RolloutReason } from '../../verification/rollouts/reasons.js';
import { checkOpening, type RolloutOpening } from '../../verification/rollouts/record.js';
import type { Manifest } from '../../verification/rollouts/rollout.js';
import type { AuditRules } from '../../verification/rollouts/rules.js';
import { decodeVerdict } from '../../verification/rollouts/verdict.js';
import { provenOf, type WindowHistory } from './history.js';
import type { ProvenEntry } from './ledger.js';

export interface ProofFinding {
  /** `unknown`: nothing of this miner's window is in the ledger */
  readonly is: 'confirmed' | 'unfounded' | 'refused' | 'inconclusive' | 'unknown';
  readonly miner?: Hotkey;
  readonly window?: number;
  readonly position?: number;
  readonly why?: string;
  /** Of a confirmed one that moves something; without it `why` says why it does not. */
  readonly entry?: ProvenEntry;
  /** It may be more after another window. */
  readonly isEarly?: boolean;
}

export interface ProofParts {
  readonly modelOf: (checkpointDigest: Uint8Array, signal: AbortSignal) => Promise<LanguageModel>;
  readonly environment: Environment;
}

export interface ProofRules {
  readonly policy: Policy;
  readonly rules: AuditRules;
}

/** What a proof is held against. */
export interface ProofLedger {
  readonly windows: readonly WindowHistory[];
  /** all that stand before it */
  readonly earlier: readonly ProvenEntry[];
}

function openProof(
  bytes: Uint8Array,
):
  | { readonly kind: 'ok'; readonly value: { readonly proof: FraudProof; readonly manifest: Manifest } }
  | { readonly kind: 'refused'; readonly reason: RolloutReason | 'malformed' } {
  const proof = decodeFraudProof(bytes);
  if (!proof) return { kind: 'refused', reason: 'malformed' };
  const signed = openManifest(proof.manifest, verifySignature);
  return signed.kind === 'refused' ? signed : accept({ proof, manifest: signed.value.manifest });
}

/**
 * Nothing of who made it is believed. One prefill.
 * @throws what `modelOf` throws
 */
export async function findProof(
  { modelOf, environment }: ProofParts,
  { policy, rules }: ProofRules,
  { windows, earlier }: ProofLedger,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<ProofFinding> {
  const opened = openProof(bytes);
  if (opened.kind === 'refused') return { is: 'refused', why: opened.reason };
  const { proof, manifest } = opened.value;
  const { hotkey, window } = manifest;
  const miner = toHotkey(toAddress(hotkey));
  const at = { miner, window, position: proof.position };
  const own = windows.find((each) => each.window === window);
  const committed = own?.collected?.deliveries.find((each) => each.miner === miner)?.manifest;
  if (!own?.collected || !committed)
    return { is: 'unknown', ...at, why: 'nothing of this miner was collected here' };
  const { context } = own.collected;
  const model = await modelOf(context.checkpointDigest, signal);
  const found = await confirmFraud(
    { model, environment, tolerance: rules.tolerance, verify: verifySignature },
    { window: context, policy, hotkey, committed },
    proof,
    signal,
  );
  if (found.kind === 'refused') return { is: 'refused', ...at, why: found.reason };
  if (found.kind === 'inconclusive') return { is: 'inconclusive', ...at, isEarly: true };
  if (found.kind === 'unfounded') return { is: 'unfounded', ...at };
  return { is: 'confirmed', ...at, ...followsFrom(proof.opening) };

  function followsFrom(opening: RolloutOpening): Pick<ProofFinding, 'entry' | 'why' | 'isEarly'> {
    const { place } = opening;
    if (!own!.end) return { why: 'its window is not judged yet', isEarly: true };
    const record = own!.verdicts.get(miner);
    if (own!.end !== 'judged' || !record) return { why: 'there is no pay for it here' };
    const verdict = decodeVerdict(record);
    const known = provenOf(earlier, { window, miner });
    const isKnown =
      known.some((each) => each.place === place) ||
      verdict.picks.some((pick) => pick.place === place && pick.outcome !== 'valid');
    const rollout = checkOpening(opening, manifest, policy.maxTokens);
    if (isKnown || rollout.kind === 'refused') return { why: 'it is unpaid already' };
    const { group, stop, tokens } = rollout.value;
    const promptTokens = environment.task(promptSeed(streamRoot(context, hotkey), group)).prompt.length;
    const { promptMillis } = rules;
    const millis = millisOf(
      { length: tokens.length, stop },
      { median: verdict.median, promptMillis, promptTokens },
    );
    const creditMillis = creditLeft(
      verdict,
      known.reduce((sum, each) => sum + each.millis, millis),
    );
    return { entry: { type: 'proven', window, miner, place, millis, creditMillis, proof: bytes } };
  }
}

/** What a validator is given to look at. */
export interface Proofs {
  waiting(): Promise<readonly { readonly bytes: Uint8Array; done(): Promise<void> }[]>;
  /** @throws what is our own fault: it is looked at again */
  find(bytes: Uint8Array, windows: readonly WindowHistory[], signal: AbortSignal): Promise<ProofFinding>;
}

const SUFFIX = '.proof';
/** After one window: each takes a prefill. */
const AT_ONCE = 32;

/** Puts one where the validator of the folder finds it, running or not. */
export async function leaveProof(dir: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, toHex(sha256(bytes)));
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(path, `${path}${SUFFIX}`);
}

/** Those in `dir`; each is removed when it is done with, or when nothing of its window is paid out any more. */
export function createProofs(dir: string, parts: ProofParts, rules: ProofRules): Proofs {
  return {
    async waiting() {
      const names = await readdir(dir).catch((error: unknown): string[] => {
        if (errnoOf(error) === 'ENOENT') return [];
        throw error;
      });
      const found = [];
      for (const name of names.filter((one) => one.endsWith(SUFFIX)).slice(0, AT_ONCE)) {
        const path = join(dir, name);
        const { size } = await stat(path);
        // what is too large is read as what is none
        const bytes = size > MAX_FRAUD_PROOF_BYTES ? new Uint8Array(0) : new Uint8Array(await readFile(path));
        found.push({ bytes, done: () => rm(path, { force: true }) });
      }
      return found;
    },
    async find(bytes, windows, signal) {
      const opened = openProof(bytes);
      const newest = windows.findLast(({ end }) => end === 'judged')?.window ?? 0;
      if (opened.kind === 'ok' && opened.value.manifest.window <= newest - WINDOWS)
        return { is: 'unknown', why: 'nothing of its window is paid out any more' };
      const earlier = windows.flatMap(({ proven }) => proven);
      return findProof(parts, rules, { windows, earlier }, bytes, signal);
    },
  };
}
