// Owns: `assay rollouts replay`: every verdict of a validator's folder judged again from what lies in it. Does not own: how.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readyKeys } from '../../../keys/index.js';
import { AssayError } from '../../../model/errors.js';
import { silentLog } from '../../../model/log.js';
import { openShelf } from '../../../rollouts/shelf.js';
import { readRolloutLedger } from '../../../validator/rollouts/ledger.js';
import { type ReplayedVerdict, replayLedger } from '../../../validator/rollouts/replay.js';
import { EXIT, print, printJson } from '../../output.js';
import { createRolloutModels } from '../../rollout-models.js';
import { readRolloutSubnet } from '../../rollout-subnet.js';

export async function replayFolder(folder: string, signal: AbortSignal): Promise<ReplayedVerdict[]> {
  await readyKeys();
  const subnet = await readRolloutSubnet(folder);
  const shelf = await openShelf(join(folder, 'files'));
  const models = createRolloutModels({ log: silentLog }, { subnet, folder: join(folder, 'checkpoints') });
  const { policy, rules, quota, environment } = subnet;
  const found: ReplayedVerdict[] = [];
  try {
    const entries = await readRolloutLedger(join(folder, 'windows'));
    const parts = { modelOf: models.modelOf, environment, read: (name: Uint8Array) => shelf.read(name) };
    for await (const verdict of replayLedger(parts, entries, { policy, rules, quota }, signal))
      found.push(verdict);
  } finally {
    await models.close();
  }
  return found;
}

/** Exits 0 when all are the same, 1 when one differs, 4 when what one rests on is not here any more. */
export async function replay(
  folder: string,
  { json }: { readonly json?: boolean },
  signal: AbortSignal,
): Promise<number> {
  await assertFolder(folder);
  const verdicts = await replayFolder(folder, signal);
  const count = (is: ReplayedVerdict['is']) => verdicts.filter((each) => each.is === is).length;
  if (json) printJson({ folder, verdicts });
  else {
    for (const { window, miner, is, why } of verdicts)
      if (is !== 'same') print(`window ${window}  ${miner}  ${is}${why ? `: ${why}` : ''}`);
    print(
      `${verdicts.length} verdicts: ${count('same')} the same to the byte, ${count('different')} different, ${count('refused')} refused, ${count('gone')} without their files`,
    );
  }
  if (count('different') + count('refused') > 0) return EXIT.failed;
  return count('gone') > 0 ? EXIT.expired : EXIT.ok;
}

async function assertFolder(folder: string): Promise<void> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return;
  throw new AssayError('invalid-input', `${folder}: expected a validator's folder of rollouts, got none`, {
    what: folder,
    expected: "a validator's folder of rollouts",
    got: 'none',
  });
}
