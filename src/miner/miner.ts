// Owns: the miner's walk: listen, announce, admit, answer. Does not own: any step of it.
import { setMaxListeners } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { announce, assertAnnounceable } from '../chain/announce.js';
import type { ChainReader, ChainWriter } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import type { Clock } from '../model/clock.js';
import { type Hotkey, type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { VERSION } from '../model/version.js';
import { DescribeResponseSchema } from '../protocol/gen/assay/v1/miner_pb.js';
import { serve } from '../protocol/serve.js';
import type { ServerIdentity } from '../protocol/server-key.js';
import type { ProofSession, Served, ServeHandlers } from '../protocol/session.js';
import type { Wire } from '../protocol/wire.js';
import { createAdmission } from './admit.js';
import { createAnswer } from './answer.js';
import { createEventCheck } from './event-check.js';
import { type Claiming, type FollowedSlots, followParameters } from './follow.js';
import type { ReceiptStore } from './receipts.js';
import { assertDistinct, type Slot } from './slot.js';
import { createTickets } from './tickets.js';

/** Handles one session; resolves when it is over, whatever its end. */
export type Answer = (session: ProofSession) => Promise<void>;

export interface MinerParts {
  readonly reader: ChainReader;
  readonly writer: Pick<ChainWriter, 'serveAxon'>;
  readonly wire: Wire;
  readonly keypair: Keypair;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly receipts: ReceiptStore;
  /** always the same ones, or by the parameters that the subnet's owner publishes */
  readonly slots: readonly Slot[] | FollowedSlots;
  /** Files by SHA-256 that callers may have beside those that the slots follow; at most 256 KiB each. @default none */
  readonly content?: ((digest: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Files too large for one answer, in pieces: those of a window of rollouts. @default none */
  readonly piece?: ServeHandlers['piece'];
  /** Told who may call, for what else of this miner answers callers. @default nothing else does */
  readonly onAdmission?: ((admits: (hotkey: Hotkey) => boolean) => void) | undefined;
  /**
   * Wraps the answerer over the slots.
   * @default the honest answer as it is
   */
  readonly answer?: (honest: Answer) => Answer;
}

export interface MinerOptions {
  readonly netuid: Netuid;
  /** address to bind */
  readonly host: string;
  /** 0 picks a free one */
  readonly port: number;
  /** address to announce on the chain. @default the bound one */
  readonly announceIp?: string;
  /** hotkeys that may call without a permit */
  readonly listed?: readonly Hotkey[];
  /** keys to answer with, the one to announce first. Without any, plaintext, which only loopback addresses may have */
  readonly identities?: readonly ServerIdentity[];
}

/**
 * Runs until aborted; rejects when the port cannot be bound or the axon cannot be announced.
 * @param onReady called once the miner listens and the chain says so
 */
export async function runMiner(
  parts: MinerParts,
  options: MinerOptions,
  signal: AbortSignal,
  onReady: (address: { host: string; port: number }) => void = () => {},
): Promise<void> {
  const { reader, log, clock, keypair } = parts;
  assertAnnounceable(options.announceIp ?? options.host);
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, inner); // every slot at work waits for it
  const admission = createAdmission({ reader, log }, options);
  parts.onAdmission?.((caller) => admission.admit(caller) === true);
  const events = createEventCheck({ reader, clock, log }, options);
  const { receipts, answer: wrap = (honest) => honest } = parts;
  const { netuid } = options;
  const claiming = claimingOf(parts, options, inner);
  const tickets = createTickets(admission.standingOf);
  const hotkey = keypair.publicKey;
  const answer = wrap(
    createAnswer(
      {
        slots: claiming.answered,
        hotkey,
        netuid,
        events,
        tickets,
        shareOf: (validator) => admission.standingOf(validator).share,
        clock,
        log,
        receipts,
      },
      inner,
    ),
  );
  const claims = () => {
    const slots = claiming.claimed();
    return {
      version: VERSION,
      kinds: [...new Set(slots.map(({ claim }) => claim.kind))],
      slots: slots.map((slot) => ({ ...slot.claim, leased: slot.isLeased?.() ?? false })),
    };
  };
  const content = (digest: Uint8Array) => claiming.content(digest) ?? parts.content?.(digest);

  let server: Served | undefined;
  try {
    server = await serve(
      {
        wire: parts.wire,
        keypair,
        clock,
        log,
        random: parts.random,
        admit: admission.admit,
        handlers: {
          describe: async () => create(DescribeResponseSchema, claims()),
          prove: answer,
          content,
          ...(parts.piece ? { piece: parts.piece } : {}),
        },
      },
      {
        host: options.host,
        port: options.port,
        netuid: options.netuid,
        identities: options.identities,
      },
      inner,
    );
    const serverKey = options.identities?.[0]?.serverKey;
    const axon = {
      ip: options.announceIp ?? server.host,
      port: server.port,
      ...(serverKey ? { serverKey } : {}),
    };
    await announce(parts, { netuid: options.netuid, axon });
    const head = await reader.head();
    events.onHead(head);
    await Promise.all([admission.onHead(head.number), claiming.onHead(head)]);
    const { length: slots } = claiming.claimed();
    log.info('miner ready', { host: server.host, port: server.port, slots });
    onReady(server);
    await reader.watchHeads((next) => {
      events.onHead(next);
      void admission.onHead(next.number);
      void claiming.onHead(next);
    }, inner);
  } finally {
    stop.abort();
    await claiming.settled();
    await server?.closed;
  }
}

function claimingOf(parts: MinerParts, { netuid }: MinerOptions, signal: AbortSignal): Claiming {
  const { slots, keypair } = parts;
  if ('under' in slots)
    return followParameters(
      { ...parts, followed: slots },
      { netuid, self: toHotkey(keypair.address) },
      signal,
    );
  assertDistinct(slots);
  const same = () => slots;
  const settled = async () => {};
  return { claimed: same, answered: same, content: () => undefined, onHead: settled, settled };
}
