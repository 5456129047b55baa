// Owns: a miner's life: it examines its slots, registers or waits for it, serves, drains; and what it says of itself meanwhile.
// Does not own: any of these steps (handed in), serving (miner.ts), who hears the status (cli).
import { ownNeuron } from '../chain/announce.js';
import type { ChainReader } from '../chain/chain.js';
import type { Clock } from '../model/clock.js';
import { isAssayError } from '../model/errors.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import { VERSION } from '../model/version.js';
import type { Callers } from './callers.js';
import { createExamination, type Examine } from './examination.js';
import type { MinerEnd, Serving } from './miner.js';
import type { Sessions } from './sessions.js';
import type { MinerAlert, MinerPhase, MinerStatus } from './status.js';

/** While it waits, the chain is looked at this often: a minute of 12 s blocks. */
const LOOK_BLOCKS = 5;
/** What it waits for is said again after so many: the price of a registration falls with each block. */
const SAY_BLOCKS = 300;
/** What came of trying to register. */
export type Registering =
  | { readonly is: 'sent' }
  /** it came to nothing before anything was sent */
  | { readonly is: 'unsent'; readonly error: unknown }
  /** it costs more than the operator would pay */
  | { readonly is: 'too-dear'; readonly costRao: bigint };

export interface LifeParts {
  readonly reader: Pick<ChainReader, 'subnet' | 'head' | 'watchHeads'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly callers: Callers;
  readonly tell: (alert: MinerAlert) => void;
  /** Told at each change of phase. */
  readonly onPhase?: (status: MinerStatus) => void;
  /** Small proofs of the slots, bounded in time; what fails is not claimed from then on. @default none is examined */
  readonly examine?: Examine | undefined;
  /** What registering costs now. @default nobody says */
  readonly registrationRao?: (() => Promise<bigint>) | undefined;
  /** Buys a registration, within a limit. @default nobody does: it is waited for */
  readonly register?: ((signal: AbortSignal) => Promise<Registering>) | undefined;
  /** Serves until asked to end or deregistered, drained by then. */
  readonly serve: (
    signal: AbortSignal,
    onReady: (address: { readonly host: string; readonly port: number }, serving: Serving) => void,
  ) => Promise<MinerEnd>;
}

export interface Life {
  status(): MinerStatus;
  /** Returns when asked to end; rejects when a step is broken. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLife(
  parts: LifeParts,
  { netuid, hotkey }: { readonly netuid: Netuid; readonly hotkey: Hotkey },
): Life {
  const { reader, clock, log, tell, sessions, callers } = parts;
  const startedMs = clock.now();
  let phase: MinerPhase = 'starting';
  let sinceMs = startedMs;
  let why: string | undefined;
  let head: number | undefined;
  let uid: number | undefined;
  let registrationRao: bigint | undefined;
  let serving: Serving | undefined;
  /** one registration is bought at most, however often it is lost: nobody wants to find out a month later */
  let hasBought = false;
  let sayFrom = 0;
  const examination = parts.examine
    ? createExamination({
        clock,
        log,
        examine: parts.examine,
        isBusy: () => sessions.tally().open > 0,
        onFailed: (slot, { said, fix }) =>
          tell({ kind: 'slot-failed', netuid, hotkey, slot, why: said, ...(fix ? { fix } : {}) }),
      })
    : undefined;

  function status(): MinerStatus {
    const place = serving?.place();
    return {
      hotkey,
      netuid,
      version: VERSION,
      // let go by the chain, it ends what is under way before it waits
      phase: serving?.isEnding() ? 'draining' : phase,
      sinceMs,
      startedMs,
      why,
      head: serving?.head() ?? head,
      uid: place?.uid ?? uid,
      registrationRao: registrationRao?.toString(),
      ...(place ? { axon: { ip: place.axon.ip, port: place.axon.port, isOnChain: place.isOnChain } } : {}),
      doctor: examination?.findings() ?? [],
      slots: serving?.slots() ?? [],
      sessions: sessions.tally(),
      callers: callers.tally(),
    };
  }

  function enter(next: MinerPhase, because?: string): void {
    if (next === phase && because === why) return;
    phase = next;
    why = because;
    sinceMs = clock.now();
    log.info('miner phase', { phase, ...(because === undefined ? {} : { why: because }) });
    parts.onPhase?.(status());
  }

  /** Whether the chain has this hotkey. */
  async function look(): Promise<boolean> {
    const subnet = await reader.subnet(netuid);
    head = subnet.block;
    const own = ownNeuron(subnet, hotkey);
    uid = own?.uid;
    return own !== undefined;
  }

  async function tryToRegister(signal: AbortSignal): Promise<void> {
    const cost = await parts.registrationRao?.().catch(() => undefined);
    registrationRao = cost;
    const isDue = (head ?? 0) >= sayFrom;
    if (isDue) sayFrom = (head ?? 0) + SAY_BLOCKS;
    if (!parts.register || hasBought) {
      if (isDue) log.warn('not registered: waiting for it', { hotkey, costRao: cost });
      return;
    }
    try {
      const tried = await parts.register(signal);
      hasBought = tried.is === 'sent';
      if (tried.is === 'sent') log.info('registered', { hotkey, costRao: cost });
      else if (tried.is === 'unsent')
        log[isDue ? 'error' : 'debug']('not registered', { error: tried.error, triesAgain: true });
      else if (isDue) log.warn('registering costs more than the limit: waiting', { costRao: tried.costRao });
    } catch (error) {
      // what was refused was not bought; of anything else nobody knows what became of it, and it is not sent twice
      hasBought = !isAssayError(error, 'chain-rejected') && !isAssayError(error, 'invalid-input');
      log.error('not registered', { error, triesAgain: !hasBought });
    }
  }

  /** @returns false when the signal aborted first @throws AssayError `chain-unknown` for no such subnet */
  async function untilRegistered(signal: AbortSignal): Promise<boolean> {
    if (await look()) return true;
    const found = new AbortController();
    let step: Promise<void> | undefined;
    let next = Number.NEGATIVE_INFINITY;
    const take = async (): Promise<void> => {
      await tryToRegister(signal);
      if (await look()) found.abort();
    };
    sayFrom = 0;
    enter('waiting', 'its registration');
    await take();
    if (!found.signal.aborted)
      tell({
        kind: 'not-registered',
        netuid,
        hotkey,
        ...(registrationRao === undefined ? {} : { costRao: registrationRao.toString() }),
      });
    const over = AbortSignal.any([signal, found.signal]);
    if (!over.aborted)
      await reader.watchHeads(({ number }) => {
        head = number;
        if (step || number < next) return;
        next = number + LOOK_BLOCKS;
        step = take()
          .catch((error: unknown) => log.warn('registration not looked at', { error }))
          .finally(() => {
            step = undefined;
          });
      }, over);
    await step;
    registrationRao = undefined;
    return !signal.aborted;
  }

  return {
    status,
    async run(signal) {
      const over = new AbortController();
      const inner = AbortSignal.any([signal, over.signal]);
      let again: Promise<void> | undefined;
      try {
        if (examination) {
          enter('examining');
          await examination.first(signal);
          again = examination.again(inner);
        }
        while (!signal.aborted && (await untilRegistered(signal))) {
          const onAsked = () => enter('draining');
          signal.addEventListener('abort', onAsked, { once: true });
          try {
            await parts.serve(signal, (_address, now) => {
              serving = now;
              enter('serving');
            });
          } catch (error) {
            // between our look and its own the chain let go of us: wait again
            if (!isAssayError(error, 'chain-unknown') || signal.aborted) throw error;
            log.warn('not registered any more', { error });
          } finally {
            signal.removeEventListener('abort', onAsked);
            serving = undefined;
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        over.abort();
        await again;
      }
    },
  };
}
