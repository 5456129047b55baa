// Owns: the miner's walk: listen, announce, admit, answer. Does not own: any step of it.

import { setMaxListeners } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { assertAnnounceable, ownNeuron } from '../chain/announce.js';
import type { Axon, ChainReader, ChainWriter, Subnet } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { equals } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { type Hotkey, type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { noTracer, type Tracer, traced } from '../model/trace.js';
import { VERSION } from '../model/version.js';
import { DescribeResponseSchema } from '../protocol/gen/assay/v1/miner_pb.js';
import { serve } from '../protocol/serve.js';
import type { ServerIdentity, ServerKey } from '../protocol/server-key.js';
import type { ProofSession, Served, ServeHandlers } from '../protocol/session.js';
import type { Wire } from '../protocol/wire.js';
import { createAdmission } from './admit.js';
import { createAnswer } from './answer.js';
import type { Callers } from './callers.js';
import { createEventCheck } from './event-check.js';
import { type Claiming, type FollowedSlots, followParameters } from './follow.js';
import { createPresence, type Presence } from './presence.js';
import type { ReceiptStore } from './receipts.js';
import { createSessions, type Sessions } from './sessions.js';
import { assertDistinct, isClaimed, type Slot } from './slot.js';
import type { MinerAlert, SlotStatus } from './status.js';
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
  /** What Describe shows beside its slots. @default nothing */
  readonly says?: (() => MinerSays) | undefined;
  /** Told what an operator must know. @default nobody */
  readonly tell?: ((alert: MinerAlert) => void) | undefined;
  /** What is counted of callers. @default nothing */
  readonly callers?: Callers | undefined;
  /** Where spans of sessions go. @default nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** Of sessions under way and before. @default this run's alone */
  readonly sessions?: Sessions | undefined;
  /** Asked with each reading of the chain: keys other than those that are served are answered with from then on. @default the same ones */
  readonly renewIdentities?:
    | ((announced: ServerKey | undefined) => Promise<readonly ServerIdentity[]>)
    | undefined;
}

/** What a miner says of itself that nobody can prove, in statements of its hotkey. */
export interface MinerSays {
  /** declared maintenance */
  readonly maintenance?: readonly Uint8Array[];
  /** digest of a file about its hosts, which `content` has */
  readonly hostFacts?: Uint8Array | undefined;
}

/** How a run ended that was not broken. */
export type MinerEnd = 'asked' | 'deregistered';

/** What a run says of itself while it serves. */
export interface Serving {
  readonly address: { readonly host: string; readonly port: number };
  isEnding(): boolean;
  head(): number;
  slots(): readonly SlotStatus[];
  place(): ReturnType<ReturnType<typeof createPresence>['status']>;
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
  readonly listed?: Pick<ReadonlySet<Hotkey>, 'has'>;
  /** keys to answer with, the one to announce first. Without any, plaintext, which only loopback addresses may have */
  readonly identities?: readonly ServerIdentity[];
  /** smallest part of the stake with a permit that a validator needs to be answered. @default 0: a permit will do */
  readonly minStakeShare?: number;
  /** Once asked to end: how long sessions under way have, while nothing new is armed. @default 0 */
  readonly drainMs?: number;
}

/**
 * Runs until aborted, or until the chain has this hotkey no more; rejects when the port cannot be bound or the axon cannot be
 * announced.
 * @param onReady called once the miner listens and the chain was told so
 */
export async function runMiner(
  parts: MinerParts,
  options: MinerOptions,
  signal: AbortSignal,
  onReady: (address: { host: string; port: number }, serving: Serving) => void = () => {},
): Promise<MinerEnd> {
  const {
    reader,
    log,
    clock,
    keypair,
    tracer = noTracer,
    sessions = createSessions(),
    tell = () => {},
  } = parts;
  assertAnnounceable(options.announceIp ?? options.host);
  const { drainMs = 0 } = options;
  const stop = new AbortController();
  const inner = stop.signal;
  setMaxListeners(0, inner); // every slot at work waits for it
  let why: MinerEnd | undefined;
  const end = (reason: MinerEnd): void => {
    if (why !== undefined) return;
    why = reason;
    if (drainMs <= 0) stop.abort();
    else void sessions.idle(drainMs, clock).then(() => stop.abort());
  };
  const isEnding = () => why !== undefined;
  const onAsked = () => end('asked');
  signal.addEventListener('abort', onAsked, { once: true });
  if (signal.aborted) onAsked();
  const admission = createAdmission({ reader, log, onSubnet: (subnet) => seen(subnet) }, options);
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
        watch: sessions,
        isEnding,
      },
      inner,
    ),
  );
  const claims = () => {
    const slots = isEnding() ? [] : claiming.claimed();
    const { maintenance = [], hostFacts = new Uint8Array() } = parts.says?.() ?? {};
    return {
      version: VERSION,
      kinds: [...new Set(slots.map(({ claim }) => claim.kind))],
      slots: slots.map((slot) => ({ ...slot.claim, leased: slot.isLeased?.() ?? false })),
      maintenance: [...maintenance],
      hostFacts,
    };
  };
  const content = (digest: Uint8Array) => claiming.content(digest) ?? parts.content?.(digest);

  let server: Served | undefined;
  let presence: Presence | undefined;
  let renew: (announced: ServerKey | undefined) => Promise<void> = async () => {};
  let renewing: Promise<void> | undefined;
  let newestHead = 0;
  const seen = (subnet: Subnet): boolean => {
    if (!presence) return false;
    const again = presence.seen(subnet);
    const { isOnChain } = presence.status();
    const announced = ownNeuron(subnet, toHotkey(keypair.address))?.axon?.serverKey;
    if (isOnChain)
      renewing ??= renew(announced)
        .catch((error: unknown) => log.warn('TLS key not renewed, the present one stays', { error }))
        .finally(() => {
          renewing = undefined;
        });
    return again;
  };
  try {
    server = await serve(
      {
        wire: parts.wire,
        keypair,
        clock,
        log,
        random: parts.random,
        admit: admission.admit,
        ...(parts.callers ? { onCall: parts.callers.called } : {}),
        handlers: {
          describe: async () => create(DescribeResponseSchema, claims()),
          // what the caller says of its trace is where ours hangs; who it is was found out before
          prove: (session) =>
            traced(tracer.start('answer', { validator: session.peer }, session.traceparent), () =>
              answer(session),
            ),
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
    const axonOf = (port: number, serverKey: ServerKey | undefined): Axon => ({
      ip: options.announceIp ?? options.host,
      port,
      ...(serverKey ? { serverKey } : {}),
    });
    const { port, host } = server;
    let newest = options.identities?.[0]?.serverKey;
    const axon = axonOf(port, newest);
    presence = createPresence({ ...parts, tell, onGone: () => end('deregistered') }, { netuid, axon });
    await presence.announce();
    renew = async (announced) => {
      const identities = await parts.renewIdentities?.(announced);
      const [first] = identities ?? [];
      if (!identities || !first || (newest && equals(first.serverKey.publicKey, newest.publicKey))) return;
      newest = first.serverKey;
      server?.rekey(identities); // both answer before the chain names the new one
      presence?.move(axonOf(port, newest));
    };
    const head = await reader.head();
    events.onHead(head);
    newestHead = head.number;
    await Promise.all([admission.onHead(head.number), claiming.onHead(head)]);
    const { length: slots } = claiming.claimed();
    log.info('miner ready', { host, port, slots });
    const { status: place } = presence;
    onReady(
      { host, port },
      {
        address: { host, port },
        isEnding,
        head: () => newestHead,
        slots: () => statusesOf(claiming.claimed(), claiming.resting(), sessions),
        place,
      },
    );
    await reader.watchHeads((next) => {
      newestHead = next.number;
      events.onHead(next);
      void admission.onHead(next.number);
      void claiming.onHead(next);
    }, inner);
    return why ?? 'asked';
  } finally {
    signal.removeEventListener('abort', onAsked);
    stop.abort();
    await Promise.all([claiming.settled(), presence?.settled(), renewing]);
    await server?.closed;
  }
}

/** Those that are claimed, and those that rest with the reason. */
function statusesOf(
  claimed: readonly Slot[],
  resting: readonly Slot[],
  sessions: Sessions,
): readonly SlotStatus[] {
  const statusOf = ({ claim: { index, worker, kind } }: Slot) => ({ index, worker, kind });
  return [
    ...claimed.map((slot) => ({ ...statusOf(slot), phase: sessions.phaseOf(slot.claim) })),
    ...resting.map((slot) => ({
      ...statusOf(slot),
      phase: 'resting' as const,
      why: slot.rests?.() ?? 'unknown',
    })),
  ].sort((a, b) => a.index - b.index);
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
  const same = () => slots.filter(isClaimed);
  const settled = async () => {};
  const resting = () => slots.filter((slot) => !isClaimed(slot));
  return { claimed: same, answered: same, resting, content: () => undefined, onHead: settled, settled };
}
