// Owns: `assay rollouts mine`: a miner of rollouts from configuration to its end, whatever it makes of a window. Does not own: its parts
// (rollout-role.ts), the walk (miner/rollouts).
import { setCommitment } from '../../../chain/subtensor/operations/commitments.js';
import { runMiner } from '../../../miner/miner.js';
import { noReceipts } from '../../../miner/receipts.js';
import { type RolloutMinerStatus, runRolloutMiner, type Work } from '../../../miner/rollouts/run.js';
import { createWork } from '../../../miner/rollouts/work.js';
import { loadConfig, roleFlags, rolloutMinerSchema } from '../../config.js';
import { takeDataFolder } from '../../data-folder.js';
import { EXIT, print, printJson } from '../../output.js';
import { tellParent } from '../../parent.js';
import { openRolloutRole, type RolloutRole } from '../../rollout-role.js';
import { assertCalibrated } from '../../rollout-subnet.js';

export async function mineRollouts(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const config = loadConfig(rolloutMinerSchema, roleFlags(flags));
  takeDataFolder(config.data, 'rollouts-miner');
  const role = await openRolloutRole(config, 'miner', signal);
  try {
    const { models, subnet, log } = role;
    const modelOf: typeof models.modelOf = async (digest, inner) => {
      const model = await models.modelOf(digest, inner);
      try {
        assertCalibrated(subnet, 'miner', model.profile);
      } catch (error) {
        // whose rounding was not measured may be found wrong: the operator's risk, and nobody else's
        log.warn('this engine is not the one that the subnet was calibrated for', { error });
      }
      return model;
    };
    const { policy, quota } = subnet;
    const work = createWork(
      { ...role, modelOf, environment: subnet.environment },
      { policy, quota, batch: config.batch },
    );
    await mineWith(role, { work, marginBlocks: config.marginBlocks }, signal);
  } finally {
    await role.close();
  }
  return EXIT.ok;
}

/** Serves what is on the shelf, and walks through windows with this work. */
export async function mineWith(
  role: RolloutRole,
  { work, marginBlocks }: { readonly work: Work; readonly marginBlocks: number },
  signal: AbortSignal,
): Promise<void> {
  const { chain, keypair, netuid, shelf, rules, session, address, admin, json, models, log } = role;
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const common = { ...role, ...session, reader: chain, writer: chain };
  const commit = (digest: Uint8Array) =>
    chain.submit(keypair, setCommitment(netuid, [{ kind: 'sha2-256', hash: digest }]));
  const onStatus = (status: RolloutMinerStatus): void => {
    tellParent({ window: status });
    if (json) printJson({ window: status });
    else print(toLine(status));
    // of a window that is over nothing is computed again: the open models are those that work may still be on
    models
      .keepOnly([])
      .catch((error: unknown) => log.error('old checkpoints could not be removed', { error }));
  };
  let walk: Promise<void> | undefined;
  try {
    await runMiner(
      { ...common, receipts: noReceipts, slots: [], piece: shelf.piece },
      { netuid, ...address },
      inner,
      ({ host, port }) => {
        // either end of the two ends the other
        walk = runRolloutMiner(
          { ...common, work, shelf, commit, onStatus },
          { ...rules, marginBlocks },
          inner,
        ).finally(() => stop.abort());
        walk.catch(() => {}); // awaited below
        admin?.setServing(true);
        tellParent({ ready: { host, port } });
      },
    );
  } finally {
    stop.abort();
    await walk;
  }
}

function toLine({ window, is, rollouts, tokens, block }: RolloutMinerStatus): string {
  const what =
    is === 'committed' ? `${rollouts} rollouts, ${tokens} tokens, committed in block ${block}` : SAID[is];
  return `window ${window}: ${what}`;
}

const SAID = {
  'not-in-roster': 'this hotkey was not registered when it began',
  nothing: 'nothing to hand in',
  other: 'another manifest was signed for it before, and none is handed in',
  late: 'the commitment did not get into a block in time',
} as const;
