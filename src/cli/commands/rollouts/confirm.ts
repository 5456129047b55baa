// Owns: `assay rollouts confirm`: a proof against a miner, looked at by what a validator's folder has. Does not own: what proofs say.
import { join } from 'node:path';
import { toAddress, verifySignature } from '../../../keys/index.js';
import { historyOf } from '../../../validator/rollouts/history.js';
import { findProof, leaveProof } from '../../../validator/rollouts/proofs.js';
import { checkEquivocation, provesAgainst } from '../../../verification/rollouts/equivocation.js';
import { isFraudProof, MAX_FRAUD_PROOF_BYTES } from '../../../verification/rollouts/fraud-proof.js';
import { readInputBytes } from '../../input-text.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { openRolloutFolder, PROOFS_FOLDER, type RolloutFolder } from '../../rollout-folder.js';

interface Finding {
  readonly is: 'confirmed' | 'unfounded' | 'refused' | 'inconclusive' | 'unknown';
  readonly of: 'token' | 'equivocation';
  readonly miner?: string;
  readonly window?: number;
  readonly position?: number;
  readonly why?: string;
  /** whether it was left for the validator, where that was asked for */
  readonly entered?: boolean;
}

/** Exits 0 for a proof that holds, 1 for one that does not, 4 where this folder cannot say. */
export async function confirm(
  file: string,
  { data, enter = false, json }: { readonly data: string; readonly enter?: boolean; readonly json?: boolean },
  signal: AbortSignal,
): Promise<number> {
  const bytes = await readInputBytes(file, { maxBytes: MAX_FRAUD_PROOF_BYTES });
  const folder = await openRolloutFolder(data);
  try {
    const enterAt = enter ? join(data, PROOFS_FOLDER) : undefined;
    const finding = isFraudProof(bytes)
      ? await sayWhile('one prefill', () => ofToken(folder, bytes, enterAt, signal))
      : ofTwo(folder, bytes);
    if (json) printJson({ file, ...finding });
    else {
      const { miner, window, is, of, position, why, entered } = finding;
      const where = position === undefined ? '' : `, token ${position}`;
      const about = of === 'token' ? `a wrong token${where}` : 'two manifests of one window';
      print(`${is}: ${about}${miner ? ` of ${miner} in window ${window}` : ''}${why ? ` (${why})` : ''}`);
      if (entered) print("it counts from the validator's next window on");
    }
    if (finding.is === 'confirmed') return EXIT.ok;
    return finding.is === 'unknown' || finding.is === 'inconclusive' ? EXIT.expired : EXIT.failed;
  } finally {
    await folder.close();
  }
}

/** One that nothing follows from is not left for the validator to find that out. */
async function ofToken(
  folder: RolloutFolder,
  bytes: Uint8Array,
  enterAt: string | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  const { windows } = historyOf(folder.entries);
  const earlier = windows.flatMap(({ proven }) => proven);
  const { subnet, modelOf } = folder;
  const parts = { modelOf, environment: subnet.environment };
  const { entry, isEarly, ...found } = await findProof(parts, subnet, { windows, earlier }, bytes, signal);
  const entered =
    found.is === 'confirmed' && enterAt !== undefined && (entry !== undefined || isEarly === true);
  if (entered) await leaveProof(enterAt, bytes);
  return { ...found, of: 'token', ...(enterAt === undefined ? {} : { entered }) };
}

function ofTwo(folder: RolloutFolder, bytes: Uint8Array): Finding {
  const of = 'equivocation';
  const checked = checkEquivocation(bytes, verifySignature);
  if (checked.kind === 'refused') return { is: 'refused', of, why: checked.reason };
  const { hotkey, window } = checked.value;
  const at = { of, miner: toAddress(hotkey), window } as const;
  const own = historyOf(folder.entries).windows.find((each) => each.window === window)?.collected;
  if (!own?.deliveries.some(({ miner }) => miner === at.miner))
    return { is: 'unknown', ...at, why: 'nothing of this miner was collected here' };
  const holds = provesAgainst(bytes, { hotkey, window: own.context }, verifySignature);
  return holds ? { is: 'confirmed', ...at } : { is: 'refused', ...at, why: 'of another chain or subnet' };
}
