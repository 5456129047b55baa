// Owns: the life of a host: dial the miner, be welcome, work, and come again whatever happens. Does not own: sockets (tls.ts),
// devices and flags (cli), which events there are: a host knows neither chain nor hotkey.
import type { Duplex } from 'node:stream';
import { equals, toHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import type { Random } from '../../model/prng.js';
import { VERSION } from '../../model/version.js';
import type { HostFacts } from '../../protocol/host-facts.js';
import { paramsId } from '../../verification/checked-params.js';
import type { KindsByName, ParameterSet } from '../../verification/parameter-file.js';
import { LIVENESS } from '../../verification/proof.js';
import type { Slot } from '../slot.js';
import { type Body, type BodyOf, openChannel } from './channel.js';
import { readable } from './desk.js';
import { HOST_FORMAT } from './hosts.js';
import { HOST_LIMITS } from './limits.js';
import { createWork } from './work.js';

export interface HostParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly kinds: KindsByName;
  /** One connection to the miner. @throws AssayError `unreachable`, with why */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
  /** The slots of this host under one set; their index is their number. */
  readonly under: (set: ParameterSet) => readonly Slot[];
  /** told how it stands with the miner, for a health address and a parent process. @default nobody */
  readonly onState?: (state: HostState) => void;
  /** told how much is at work. @default nobody */
  readonly onJobs?: (count: number) => void;
  /** What this host says of itself, asked for now and then. @default it says nothing */
  readonly facts?: (() => HostFacts | undefined) | undefined;
}

export type HostState =
  | { readonly state: 'connected'; readonly indices: readonly number[] }
  /** asked to end: what is at work is finished, and nothing else begun */
  | { readonly state: 'draining'; readonly jobs: number }
  | { readonly state: 'away'; readonly why: string };

export interface HostOptions {
  readonly worker: string;
  /** in the order in which the host counts; a check has the number of the slot that it is for */
  readonly slots: readonly { readonly number: number; readonly kind: string; readonly className: string }[];
  /** Its owner gives proofs only a part of each day: a miner that does not know what that is gets no slots. @default false */
  readonly hasCaps?: boolean;
  /** Once asked to end: how long what is at work has. @default 0 */
  readonly drainMs?: number;
}

/** Runs until aborted. A miner that is away, or has no place for us yet, is dialled again. */
export async function runHost(parts: HostParts, options: HostOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, random, dial, onState = () => {} } = parts;
  const instance = Uint8Array.from(random.bytes(16));
  const cappedAt = new Map<number, number>();
  let failures = 0;
  let said = '';
  while (!signal.aborted) {
    const { why, wasWelcome, isFinal } = await dial(signal).then(
      (stream) => serveMiner(parts, options, { stream, instance, cappedAt }, signal),
      (error: unknown) => ({ why: messageOf(error), wasWelcome: false, isFinal: false }),
    );
    if (signal.aborted) return;
    failures = wasWelcome ? 0 : failures + 1;
    onState({ state: 'away', why });
    log[why === said ? 'debug' : 'warn']('not connected to the miner', { reason: why });
    said = why;
    await clock.sleep(isFinal ? HOST_LIMITS.rejectedMs : pauseMs(failures, random), signal);
  }
}

/** Twice as long each time, half of it by chance: a rack that lost its miner does not come back in one instant. */
export function pauseMs(failures: number, random: Random): number {
  const most = Math.min(HOST_LIMITS.backOffMostMs, HOST_LIMITS.backOffMs * 2 ** Math.min(16, failures));
  return most / 2 + random.below(Math.ceil(most / 2) + 1);
}

interface Connected {
  readonly stream: Duplex;
  readonly instance: Uint8Array;
  /** monotonic ms since which a slot, by its number, has had its day: a miner gains nothing by coming anew */
  readonly cappedAt: Map<number, number>;
}

interface Ended {
  readonly why: string;
  readonly wasWelcome: boolean;
  /** somebody has to change something before it can be otherwise */
  readonly isFinal: boolean;
}

async function serveMiner(
  parts: HostParts,
  { worker, slots, hasCaps = false, drainMs = 0 }: HostOptions,
  { stream, instance, cappedAt }: Connected,
  signal: AbortSignal,
): Promise<Ended> {
  const { clock, log, onJobs = () => {}, onState = () => {}, facts = () => undefined } = parts;
  const stop = new AbortController();
  const fitted = createFitted(parts, cappedAt);
  let wasWelcome = false;
  let isFinal = false;
  let rejected: string | undefined;
  let heardAt = clock.monotonic();
  let jobs = 0;
  let isDraining = false;
  let onIdle = () => {};
  let saidStanding = JSON.stringify({ capped: [], draining: false });
  let saidFacts: string | undefined;
  let over: (why: string) => void = () => {};
  const isOver = new Promise<string>((resolve) => {
    over = resolve;
  });

  const channel = openChannel(stream, HOST_LIMITS.frameBytes, { frame: take, over: (why) => over(why) });
  const work = createWork({
    channel: () => channel,
    find: fitted.find,
    refuses: fitted.refuses,
    clock,
    onJobs(count) {
      jobs = count;
      onJobs(count);
      if (count === 0) onIdle();
      stand();
    },
  });

  /** Says to the miner what is not as it was said last. */
  function stand(): void {
    if (!wasWelcome) return;
    const value = { capped: fitted.capped(), draining: isDraining };
    const standing = JSON.stringify(value);
    if (standing !== saidStanding) channel.send({ case: 'standing', value });
    saidStanding = standing;
    const own = facts();
    const text = own && JSON.stringify(own);
    if (text === undefined || text === saidFacts) return;
    saidFacts = text;
    // more would end the connection, and no slot hangs on it
    if (text.length <= HOST_LIMITS.factsChars) channel.send({ case: 'facts', value: { facts: text } });
    else log.warn('what this host says of itself is not told: too long', { characters: text.length });
  }

  function take(body: Body): void {
    heardAt = clock.monotonic();
    switch (body.case) {
      case 'ping':
        stand(); // a day goes by without anything happening
        channel.send({ case: 'pong', value: { id: body.value.id } });
        return;
      case 'welcome': {
        const { version, indices, heedsStanding } = body.value;
        if (hasCaps && !heedsStanding) {
          rejected = `assay ${readable(version).slice(0, 64)} of the miner knows no caps of a host: upgrade it, or start this host without`;
          isFinal = true;
          channel.end(rejected);
          return;
        }
        wasWelcome = true;
        log.info('connected to the miner', { version: readable(version).slice(0, 64), indices });
        onState({ state: 'connected', indices });
        return;
      }
      case 'rejected':
        rejected = `the miner has no place for this host: ${readable(body.value.reason)}`;
        isFinal = !body.value.passing;
        return;
      case 'rest': {
        const { slot, why } = body.value;
        if (why === '') log.info('a slot is claimed', { slot });
        else log.warn('a slot is not claimed', { slot, why: readable(why) });
        return;
      }
      case 'fit':
        answerFit(body.value);
        return;
      default:
        if (!wasWelcome || !work.take(body)) throw new Error(`a frame that miners do not send: ${body.case}`);
    }
  }

  function answerFit(fit: BodyOf<'fit'>): void {
    const { call } = fit;
    try {
      fitted.add(fit);
      stand(); // before the slot is claimed
      channel.send({ case: 'done', value: { call } });
    } catch (error) {
      channel.send({
        case: 'failed',
        value: { call, why: messageOf(error).slice(0, HOST_LIMITS.reasonChars) },
      });
    }
  }

  /** A miner that is gone without a word would keep what is at work here. */
  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      await clock.sleep(HOST_LIMITS.pingMs, stop.signal);
      if (stop.signal.aborted) return;
      const silentMs = clock.monotonic() - heardAt;
      if (silentMs >= HOST_LIMITS.silenceMs) channel.end(`nothing came for ${Math.floor(silentMs)} ms`);
    }
  }

  /** What is at work has its time; a miner that is gone meanwhile ends it. */
  async function drain(): Promise<void> {
    isDraining = true;
    work.drain();
    stand();
    if (jobs > 0 && drainMs > 0) {
      log.info('asked to end: what is at work is finished first', { jobs, withinMs: drainMs });
      onState({ state: 'draining', jobs });
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      await Promise.race([idle, isOver, clock.sleep(drainMs, stop.signal)]);
    }
    channel.end('stopped');
  }
  const leave = () => void drain();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  channel.send({
    case: 'hello',
    value: { format: HOST_FORMAT, version: VERSION, worker, instance, slots: [...slots] },
  });
  const watching = watch();
  const why = await isOver;
  stop.abort();
  signal.removeEventListener('abort', leave);
  work.end();
  await watching;
  return { why: rejected ?? readable(why), wasWelcome, isFinal };
}

/** The slots of this host by number and set, the latest few sets of each. */
function createFitted(
  { kinds, under, clock }: Pick<HostParts, 'kinds' | 'under' | 'clock'>,
  cappedAt: Map<number, number>,
): {
  /** @throws what a miner is told of it */
  add(fit: BodyOf<'fit'>): void;
  find(number: number, id: Uint8Array): Slot | undefined;
  /** Numbers of those whose owner gives proofs no more of this day. */
  capped(): number[];
  /** Why nothing is begun on a slot: its miner was told that it is capped, and goes on. */
  refuses(slot: Slot): string | undefined;
} {
  const slots = new Map<string, Slot>();
  const nameOf = (number: number, id: Uint8Array) => `${number} ${toHex(id)}`;
  return {
    add({ slot: number, paramsId: id, kind: name, className, params: text }) {
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
      if (!kind) throw new Error(`this host knows no kind ${readable(name)}: upgrade it`);
      const params = kind.parseParams(JSON.parse(text)) as object;
      if (!equals(paramsId(params), id))
        throw new Error('the parameters are not those of their digest: upgrade the older end');
      const slot = under({ kind: name, className, id: toHex(id), params }).find(
        ({ claim }) => claim.index === number && claim.kind === name,
      );
      if (!slot)
        throw new Error(`this host has no slot ${number} of ${readable(name)}:${readable(className)}`);
      const rests = slot.rests?.();
      if (rests !== undefined) throw new Error(`its proof failed there: ${rests}`); // asked again, it may be well
      const own = [...slots.keys()].filter((key) => key.startsWith(`${number} `));
      slots.delete(nameOf(number, id));
      slots.set(nameOf(number, id), slot);
      for (const oldest of own.slice(0, -2 * HOST_LIMITS.setsPerSlot)) slots.delete(oldest);
    },
    find: (number, id) => slots.get(nameOf(number, id)),
    capped() {
      const all = [...slots.values()];
      const capped = new Set(all.filter(isCapped).map(({ claim }) => claim.index));
      for (const { claim } of all)
        if (capped.has(claim.index)) {
          if (!cappedAt.has(claim.index)) cappedAt.set(claim.index, clock.monotonic());
        } else if (claim.kind !== LIVENESS) cappedAt.delete(claim.index); // of a check, which is never capped, nothing follows
      return [...capped].sort((a, b) => a - b);
    },
    refuses(slot) {
      const { index } = slot.claim;
      const sinceMs = clock.monotonic() - (cappedAt.get(index) ?? clock.monotonic());
      if (sinceMs < HOST_LIMITS.cappedMs || !isCapped(slot)) return undefined;
      return `slot ${index}: its day is used up, as this host said ${Math.floor(sinceMs / 1000)} s ago`;
    },
  };
}

/** A cap is of a day: the block of an event does not matter to it. */
const isCapped = (slot: Slot): boolean => slot.declines?.(0) === 'capped';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
