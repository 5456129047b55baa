// Owns: a miner's walk through windows: open, work, keep, commit, hand out. Does not own: the work (work.ts), its port (miner.ts
// serves what is on the shelf), what the chain and the beacon say (rollouts/).
import type { Landed } from '../../chain/chain.js';
import { taggedHash } from '../../inference/spec/tagged.js';
import { windowDigest } from '../../inference/spec/window.js';
import type { Keypair } from '../../keys/keypair.js';
import { verifySignature } from '../../keys/keypair.js';
import { concat, equals, toHex, u32le } from '../../model/bytes.js';
import { toHotkey } from '../../model/ids.js';
import {
  currentWindow,
  expectedAt,
  type FollowParts,
  type OpenWindow,
  openWindow,
  persist,
  timestampOf,
  type WindowRules,
} from '../../rollouts/follow.js';
import { manifestName, ownName, type Shelf } from '../../rollouts/shelf.js';
import { BEACON_DELAY_MS, committedDigest, deadlineBlock } from '../../rollouts/windows.js';
import { openManifest, type SignedManifest } from '../../verification/rollouts/manifest.js';
import type { Submission } from '../../verification/rollouts/submission.js';

/**
 * What is handed in for a window; undefined where there is nothing.
 * @param until unix ms: what is not done by then cannot be committed in time
 */
export type Work = (
  window: Pick<OpenWindow, 'context'>,
  until: number,
  signal: AbortSignal,
) => Promise<Submission | undefined>;

export interface RolloutMinerParts extends FollowParts {
  readonly keypair: Keypair;
  readonly work: Work;
  readonly shelf: Shelf;
  /** Replaces the hotkey's commitment: `set_commitment` with one SHA-256. @throws AssayError as every write */
  readonly commit: (digest: Uint8Array) => Promise<Landed>;
  readonly onStatus?: ((status: RolloutMinerStatus) => void) | undefined;
}

export interface RolloutMinerOptions extends WindowRules {
  /** Blocks before D at which work ends, so that the commitment finds its way into one. @default 4 */
  readonly marginBlocks?: number | undefined;
  /** Files are handed out for so many windows. @default 3 */
  readonly keepWindows?: number | undefined;
}

/** Of the window that the miner was in last. */
export interface RolloutMinerStatus {
  readonly window: number;
  /** `other`: another manifest was signed for the window before, so that none is handed in */
  readonly is: 'not-in-roster' | 'nothing' | 'other' | 'committed' | 'late';
  readonly rollouts?: number;
  readonly tokens?: number;
  /** block of the commitment */
  readonly block?: number;
}

const MARGIN_BLOCKS = 4;
const KEEP_WINDOWS = 3;
/** A commitment that was refused or lost is tried again after so many blocks. */
const AGAIN_BLOCKS = 1;

/** Runs until aborted. A window that fails is left out and said aloud; the next one is begun all the same. */
export async function runRolloutMiner(
  parts: RolloutMinerParts,
  options: RolloutMinerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { chain, clock, log, shelf, keypair } = parts;
  const { plan, keepWindows = KEEP_WINDOWS } = options;
  const self = toHotkey(keypair.address);
  const tell = parts.onStatus ?? (() => {});
  try {
    for (let window = 0; ; window++) {
      window = Math.max(window, await currentWindow(parts, plan, signal));
      // files may still be asked for until the round of the audit is out
      const until =
        (await expectedAt(parts, deadlineBlock(plan, window), signal)) +
        (plan.beaconDelayMs ?? BEACON_DELAY_MS);
      await persist(parts, { what: `window ${window}`, until }, () => one(window), signal).catch(
        (error: unknown) => {
          signal.throwIfAborted();
          log.error('a window was left out', { window, error });
        },
      );
      signal.throwIfAborted();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }

  async function one(window: number): Promise<void> {
    const open = await openWindow(parts, options, window, signal);
    if (!open) return;
    await shelf.forget(window - keepWindows + 1);
    if (!open.roster.neurons.some(({ hotkey }) => hotkey === self)) {
      log.warn('this hotkey was not registered when the window began', { window });
      return tell({ window, is: 'not-in-roster' });
    }
    const { blockTimeMs } = await chain.info();
    const begunAt = await timestampOf(chain, await chain.blockHash(open.startBlock));
    const margin = Math.min(options.marginBlocks ?? MARGIN_BLOCKS, plan.workBlocks);
    const until = begunAt + (plan.workBlocks - margin) * blockTimeMs;
    const kept = await keptOf(open);
    if (kept === 'other') {
      const why = 'on another plan, checkpoint or policy: a second one would be a proof against this hotkey';
      log.error('a manifest was signed for this window before, and none is handed in', { window, why });
      return tell({ window, is: 'other' });
    }
    const signed = kept ?? (await made(open, until));
    if (!signed || signal.aborted) return tell({ window, is: 'nothing' });
    const { rollouts, tokens } = signed.manifest;
    const landed = await commit(open, signed.digest);
    if (!landed) return tell({ window, is: 'late', rollouts, tokens });
    // not before it stands on the chain: without it, nobody knows the name of the file either
    await shelf.put(window, signed.bytes, manifestName(signed.digest));
    log.info('rollouts of a window are committed', { window, rollouts, tokens, ...landed });
    tell({ window, is: 'committed', rollouts, tokens, ...landed });
  }

  /** Two manifests of one window are a proof against us: what was signed before a restart is what is handed in, or nothing is. */
  async function keptOf(open: OpenWindow): Promise<SignedManifest | 'other' | undefined> {
    const bytes = await shelf.read(nameOf(open));
    if (!bytes) return undefined;
    const context = windowDigest(open.context);
    const opened = openManifest(bytes.subarray(context.length), verifySignature);
    const isSame = equals(bytes.subarray(0, context.length), context);
    return opened.kind === 'ok' && isSame ? opened.value : 'other';
  }

  async function made(open: OpenWindow, until: number): Promise<SignedManifest | undefined> {
    if (clock.now() >= until) return undefined;
    const submission = await parts.work(open, until, signal);
    if (!submission) return undefined;
    const { window } = open;
    const { signed, file } = submission;
    await shelf.put(window, file);
    await shelf.put(window, concat(windowDigest(open.context), signed.bytes), nameOf(open));
    return signed;
  }

  /** All that an equivocation goes by. */
  function nameOf({ context: { genesis, netuid, window } }: OpenWindow): Uint8Array {
    return ownName(taggedHash('own-manifest', genesis, u32le(netuid), u32le(window), keypair.publicKey));
  }

  /** Tried until D: what became of an attempt is read from the chain. */
  async function commit(
    open: OpenWindow,
    digest: Uint8Array,
  ): Promise<{ readonly block: number } | undefined> {
    const { startBlock: after, deadlineBlock: upTo } = open;
    const { blockTimeMs } = await chain.info();
    while (!signal.aborted) {
      try {
        const commitment = await chain.commitmentOf(options.netuid, self);
        const there = committedDigest(commitment, { after, upTo });
        if (there && equals(there, digest)) return { block: commitment!.block }; // `there` is of it
        if ((await chain.head()).number >= upTo) return undefined;
        const { block } = await parts.commit(digest);
        if (block <= upTo) return { block };
      } catch (error) {
        if (signal.aborted) return undefined;
        log.warn('the commitment is not on the chain yet', {
          window: open.window,
          digest: toHex(digest),
          error,
        });
      }
      await clock.sleep(AGAIN_BLOCKS * blockTimeMs, signal);
    }
    return undefined;
  }
}
