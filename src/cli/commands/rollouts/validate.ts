// Owns: `assay rollouts validate`: a validator of rollouts from configuration to its end. Does not own: its parts (rollout-role.ts),
// the walk (validator/rollouts), setting weights (validator/validator.ts).
import { join } from 'node:path';
import { isAssayError } from '../../../model/errors.js';
import { createHolders } from '../../../rollouts/holders.js';
import { committedDigest } from '../../../rollouts/windows.js';
import { openLedger } from '../../../validator/ledger/ledger.js';
import { noDelay } from '../../../validator/own-delay.js';
import { historyOf } from '../../../validator/rollouts/history.js';
import { createWindowJudge } from '../../../validator/rollouts/judge.js';
import { openRolloutLedger } from '../../../validator/rollouts/ledger.js';
import { createProofs } from '../../../validator/rollouts/proofs.js';
import { createRolloutValidator, type RolloutValidatorStatus } from '../../../validator/rollouts/run.js';
import { runValidator } from '../../../validator/validator.js';
import { openWeightsBook } from '../../../validator/weights/book.js';
import { dataPaths, startValidatorMetrics } from '../../assemble.js';
import { loadConfig, roleFlags, rolloutValidatorSchema } from '../../config.js';
import { takeDataFolder } from '../../data-folder.js';
import { EXIT, print, printJson } from '../../output.js';
import { tellParent } from '../../parent.js';
import { PROOFS_FOLDER } from '../../rollout-folder.js';
import { openRolloutRole, type RolloutRole } from '../../rollout-role.js';
import { alarmLine, type RolloutRow, rolloutTable, rowsOf } from '../../rollout-rows.js';
import { assertCalibrated, keepSubnet } from '../../rollout-subnet.js';

/** A row that is in no block by then is looked for, and its bytes sent again to whichever node answers. */
const LOOK_AGAIN_MS = 45_000;
/** Nobody is challenged in events; of their plan only when weights are due is used. */
const NO_EVENTS = { eventsPerEpoch: 1, leadBlocks: 1, eventBlocks: 24 } as const;

export async function validateRollouts(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const config = loadConfig(rolloutValidatorSchema, roleFlags(flags));
  takeDataFolder(config.data, 'rollouts-validator');
  const role = await openRolloutRole(config, 'validator', signal, { inclusionTimeoutMs: LOOK_AGAIN_MS });
  const { chain, info, keypair, log, models, netuid, self, session, shelf, subnet } = role;
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const closing: (() => unknown)[] = [];
  try {
    await keepSubnet(config.data, subnet);
    const modelOf: typeof models.modelOf = async (digest, of) => {
      const model = await models.modelOf(digest, of);
      try {
        assertCalibrated(subnet, 'verifier', model.profile);
      } catch (error) {
        stop.abort(error); // no window of this process will be judged, and waiting mends nothing
        throw error;
      }
      return model;
    };
    const { policy, environment, quota, rules } = subnet;
    const holders = createHolders(session, { netuid, self });
    closing.push(() => holders.close());
    const windows = await openRolloutLedger({
      dir: join(config.data, 'windows'),
      of: { genesis: info.genesisHash, netuid, validator: self, plan: subnet.plan },
      log,
    });
    closing.push(() => windows.close());
    const judge = createWindowJudge({ modelOf, environment, keypair, log }, { policy, rules, quota });
    const validator = createRolloutValidator(
      {
        ...role,
        ledger: windows,
        judge,
        proofs: createProofs(join(config.data, PROOFS_FOLDER), { modelOf, environment }, { policy, rules }),
        keepCheckpoints: models.keepOnly,
        holdersOf: holders.of,
        onStatus(status) {
          const { windows: all } = historyOf(status.is === 'judged' ? windows.entries() : []);
          const own = all.find((each) => each.window === status.window);
          const rows = own ? rowsOf(own, judge.standings()) : [];
          const judged = { ...status, rows };
          tellParent({ judged });
          if (role.json) printJson({ judged });
          else print(toLines(status, rows));
        },
      },
      { ...role.rules, policy, vocabulary: subnet.config.vocabulary, quota },
    );
    const whose = { genesisHash: info.genesisHash, netuid, keypair };
    const ledger = await openLedger({ ...session, ...whose, dir: dataPaths.ledger(config.data), log });
    closing.push(() => ledger.close());
    const at = { genesisHash: info.genesisHash, hotkey: keypair.address, head: (await chain.head()).number };
    const book = await openWeightsBook({ log }, { folder: dataPaths.weights(config.data), ...at });
    const metrics = await startValidatorMetrics(role.metrics, config.data);
    closing.push(() => book.close());
    await warmUp(role, modelOf, inner);
    const { host, port, identities, announceIp } = role.address;
    const files = { writer: chain, host, port, identities, announceIp, piece: shelf.piece };
    const { publishLeadBlocks, mechanism } = config;
    const walks = [
      validator.run(inner),
      runValidator(
        {
          ...session,
          ...{ reader: chain, writer: chain, book, kinds: {}, files },
          ledger: metrics?.observed(ledger) ?? ledger,
          ...{ ownDelay: noDelay, scoreOf: validator.scoreOf, alert: role.tell },
        },
        { netuid, mechanism, plan: { ...NO_EVENTS, publishLeadBlocks } },
        inner,
        (status) => {
          role.admin?.setServing(status.permit);
          metrics?.status(status);
          tellParent({ status });
        },
      ),
    ].map((walk) => walk.finally(() => stop.abort())); // either end of the two ends the other
    tellParent({ ready: {} });
    await Promise.allSettled(walks);
    if (isAssayError(stop.signal.reason, 'invalid-input')) throw stop.signal.reason;
    await Promise.all(walks);
  } finally {
    stop.abort();
    await Promise.all(closing.map(async (close) => close()));
    await role.close();
  }
  return EXIT.ok;
}

/**
 * The checkpoint that the trainer has committed by now: pulled before a window waits for it, and its engine looked at. One that cannot be
 * had yet is asked for again by the window that needs it.
 * @throws AssayError `invalid-input` for an engine that was not calibrated
 */
async function warmUp(
  { chain, netuid, subnet, log }: RolloutRole,
  modelOf: (digest: Uint8Array, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const commitment = await chain.commitmentOf(netuid, subnet.trainer);
  const digest = committedDigest(commitment, { after: -1, upTo: Number.MAX_SAFE_INTEGER });
  if (!digest) {
    log.warn('the trainer has committed to no checkpoint yet', { trainer: subnet.trainer });
    return;
  }
  try {
    await modelOf(digest, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    log.warn('the checkpoint that is committed now cannot be had yet', { error });
  }
}

function toLines({ window, is, why, alarms }: RolloutValidatorStatus, rows: readonly RolloutRow[]): string {
  const rung = (alarms ?? []).map((alarm) => `\n${alarmLine({ window, ...alarm })}`).join('');
  const line = `window ${window} ${is}${why === undefined ? '' : `: ${why}`}${rung}`;
  return rows.length === 0 ? line : `${line}\n${rolloutTable(rows, (miner) => miner)}`;
}
