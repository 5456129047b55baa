// Owns: `assay rollouts consume`: every token of a window's groups checked, what may be trained on and proofs of the rest written down.
// Does not own: checking (verification/rollouts/consumed.ts), learning.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { promptSeed, streamRoot } from '../../../inference/spec/stream.js';
import { toHex } from '../../../model/bytes.js';
import { inputOf } from '../../../validator/rollouts/judge.js';
import { isJudged } from '../../../validator/rollouts/ledger.js';
import {
  type Consumed,
  type RatioError,
  ratioErrorOf,
  verifyConsumed,
} from '../../../verification/rollouts/consumed.js';
import { encodeFraudProof } from '../../../verification/rollouts/fraud-proof.js';
import { trainingGroups } from '../../../verification/rollouts/paid.js';
import { integerBetween, loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson, toJson } from '../../output.js';
import { createProgress, type Progress } from '../../progress.js';
import { openRolloutFolder } from '../../rollout-folder.js';
import { Table } from '../../table.js';

const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  window: integerBetween(0, 0xffff_ffff, 'a window'),
  out: path.optional(),
  proofs: path.optional(),
  json: z.boolean().default(false),
});

interface Row {
  readonly miner: string;
  readonly groups: number;
  readonly checked: number;
  readonly taken: number;
  readonly wrong: number;
  readonly failed: number;
  /** nats; absent where nothing is to be trained on, or the vocabulary is too large to ask for all of it */
  readonly ratioError?: RatioError;
}

export async function consume(
  folder: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { window, out, proofs, json } = loadFlags(schema, flags);
  const opened = await openRolloutFolder(folder);
  const { subnet, entries, read, modelOf } = opened;
  const { policy, quota, environment, rules } = subnet;
  const file = out === undefined ? undefined : await openNew(out, '--out');
  const rows: Row[] = [];
  let progress: Progress | undefined;
  try {
    const collected = entries.find((entry) => entry.type === 'collected' && entry.window === window);
    if (collected?.type !== 'collected')
      throw invalid('--window', 'one that was collected here', `${window}`);
    if (proofs !== undefined) await mkdir(proofs, { recursive: true });
    const model = await modelOf(collected.context.checkpointDigest, signal);
    progress = createProgress({ unit: 'miners', total: collected.deliveries.length });
    for (const [i, delivery] of collected.deliveries.entries()) {
      progress.update(i);
      const { miner } = delivery;
      if (delivery.is === 'refused' && delivery.proof)
        await keep(`${window}-${miner}-twice.proof`, delivery.proof);
      if (!isJudged(delivery)) continue;
      const input = await inputOf({ collected, read }, { policy, rules, quota }, delivery, model.vocabulary);
      const { handed } = input;
      if (handed.kind !== 'ok') continue;
      const { manifest } = handed.value.signed;
      const groups = trainingGroups(manifest, handed.value.broken);
      const found = await verifyConsumed(
        { model, environment, tolerance: rules.tolerance },
        { ...input, handed: handed.value },
        Array.from({ length: groups }, (_, group) => group),
        signal,
      );
      for (const proof of found.proofs)
        await keep(`${window}-${miner}-${proof.opening.place}.proof`, encodeFraudProof(proof));
      await write(miner, input.hotkey, found);
      const { checked, wrong, failed } = found;
      const ratioError = ratioErrorOf(found.rollouts);
      const taken = found.rollouts.length;
      rows.push({ miner, groups, checked, taken, wrong, failed, ...(ratioError ? { ratioError } : {}) });
    }

    async function keep(name: string, bytes: Uint8Array): Promise<void> {
      if (proofs === undefined) return;
      const handle = await open(join(proofs, name), 'w', 0o644);
      await handle.writeFile(bytes).finally(() => handle.close());
    }
    /** Rewards are graded here: the miner's word for them was never asked. */
    async function write(miner: string, hotkey: Uint8Array, { rollouts }: Consumed): Promise<void> {
      if (!file || !collected || collected.type !== 'collected') return;
      const root = streamRoot(collected.context, hotkey);
      for (const { group, index, prompt, tokens, logProbabilities } of rollouts) {
        const grade = await environment.grade(environment.task(promptSeed(root, group)), tokens, signal);
        const line = {
          ...{ window, miner, group, index, prompt: [...prompt], tokens: [...tokens] },
          logProbabilities: [...logProbabilities],
          rewardMillis: grade.kind === 'graded' ? grade.rewardMillis : 0,
        };
        await file.writeFile(`${toJson(line)}\n`);
      }
    }
    if (json) printJson({ window, checkpoint: toHex(collected.context.checkpointDigest), miners: rows });
    else print(tableOf(rows));
  } finally {
    progress?.end();
    await file?.close();
    await opened.close();
  }
  return EXIT.ok;
}

async function openNew(place: string, flag: string): Promise<FileHandle> {
  try {
    return await open(place, 'wx', 0o644);
  } catch (error) {
    throw invalid(`${flag} ${place}`, 'a file that can be made, and is not there', 'another', error);
  }
}

function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: ['miner', 'groups', 'rollouts checked', 'to train on', 'wrong', 'not judged', 'off if uncut, nats'],
  });
  for (const { miner, groups, checked, taken, wrong, failed, ratioError } of rows) {
    const off = ratioError
      ? `${ratioError.mean.toPrecision(2)} a token, ${ratioError.worst.toPrecision(2)} a rollout`
      : '-';
    table.push([miner, groups, checked, taken, wrong, failed, off]);
  }
  return table.toString();
}
