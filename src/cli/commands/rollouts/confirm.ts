// Owns: `assay rollouts confirm`: a proof against a miner, looked at by what a validator's folder has. Does not own: what proofs say.
import { fromAddress, toAddress, verifySignature } from '../../../keys/index.js';
import { equals } from '../../../model/bytes.js';
import { confirmFraud } from '../../../verification/rollouts/consumed.js';
import { checkEquivocation, provesAgainst } from '../../../verification/rollouts/equivocation.js';
import {
  decodeFraudProof,
  isFraudProof,
  MAX_FRAUD_PROOF_BYTES,
} from '../../../verification/rollouts/fraud-proof.js';
import { openManifest } from '../../../verification/rollouts/manifest.js';
import { readInputBytes } from '../../input-text.js';
import { EXIT, print, printJson } from '../../output.js';
import { openRolloutFolder, type RolloutFolder } from '../../rollout-folder.js';

interface Finding {
  readonly is: 'confirmed' | 'unfounded' | 'refused' | 'inconclusive' | 'unknown';
  readonly of: 'token' | 'equivocation';
  readonly miner?: string;
  readonly window?: number;
  readonly position?: number;
  readonly why?: string;
}

/** Exits 0 for a proof that holds, 1 for one that does not, 4 where this folder cannot say. */
export async function confirm(
  file: string,
  { data, json }: { readonly data: string; readonly json?: boolean },
  signal: AbortSignal,
): Promise<number> {
  const bytes = await readInputBytes(file, { maxBytes: MAX_FRAUD_PROOF_BYTES });
  const folder = await openRolloutFolder(data);
  try {
    const finding = isFraudProof(bytes) ? await ofToken(folder, bytes, signal) : ofTwo(folder, bytes);
    if (json) printJson({ file, ...finding });
    else {
      const { miner, window, is, of, position, why } = finding;
      const where = position === undefined ? '' : `, token ${position}`;
      const about = of === 'token' ? `a wrong token${where}` : 'two manifests of one window';
      print(`${is}: ${about}${miner ? ` of ${miner} in window ${window}` : ''}${why ? ` (${why})` : ''}`);
    }
    if (finding.is === 'confirmed') return EXIT.ok;
    return finding.is === 'unknown' || finding.is === 'inconclusive' ? EXIT.expired : EXIT.failed;
  } finally {
    await folder.close();
  }
}

/** What this folder knows of a hotkey's window. */
function knownOf({ entries }: RolloutFolder, hotkey: Uint8Array, window: number) {
  const collected = entries.find((entry) => entry.type === 'collected' && entry.window === window);
  if (collected?.type !== 'collected') return undefined;
  const delivery = collected.deliveries.find(({ miner }) => equals(fromAddress(miner), hotkey));
  return delivery && { context: collected.context, committed: delivery.manifest };
}

async function ofToken(folder: RolloutFolder, bytes: Uint8Array, signal: AbortSignal): Promise<Finding> {
  const of = 'token';
  const proof = decodeFraudProof(bytes);
  if (!proof) return { is: 'refused', of, why: 'malformed' };
  const opened = openManifest(proof.manifest, verifySignature);
  if (opened.kind === 'refused') return { is: 'refused', of, why: opened.reason };
  const { hotkey, window } = opened.value.manifest;
  const at = { of, miner: toAddress(hotkey), window } as const;
  const known = knownOf(folder, hotkey, window);
  if (!known) return { is: 'unknown', ...at, why: 'nothing of this miner was collected here' };
  const { policy, environment, rules } = folder.subnet;
  const model = await folder.modelOf(known.context.checkpointDigest, signal);
  const found = await confirmFraud(
    { model, environment, tolerance: rules.tolerance, verify: verifySignature },
    { window: known.context, policy, hotkey, committed: known.committed },
    proof,
    signal,
  );
  return {
    is: found.kind,
    ...at,
    ...(found.kind === 'refused' ? { why: found.reason } : {}),
    position: proof.position,
  };
}

function ofTwo(folder: RolloutFolder, bytes: Uint8Array): Finding {
  const of = 'equivocation';
  const checked = checkEquivocation(bytes, verifySignature);
  if (checked.kind === 'refused') return { is: 'refused', of, why: checked.reason };
  const { hotkey, window } = checked.value;
  const at = { of, miner: toAddress(hotkey), window } as const;
  const known = knownOf(folder, hotkey, window);
  if (!known) return { is: 'unknown', ...at, why: 'nothing of this miner was collected here' };
  const holds = provesAgainst(bytes, { hotkey, window: known.context }, verifySignature);
  return holds ? { is: 'confirmed', ...at } : { is: 'refused', ...at, why: 'of another chain or subnet' };
}
