// Owns: the hosts behind one hotkey as its miner sees them: who is welcome, whose slots are claimed, what becomes of both when a
// host goes. Does not own: sockets (door.ts), calls (desk.ts), indices (indices.ts), the host's end (host.ts).

import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { equals, fromHex, toHex } from '../../model/bytes.js';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { VERSION } from '../../model/version.js';
import { type HostFacts, parseHostFacts } from '../../protocol/host-facts.js';
import type { KindsByName, ParameterSet } from '../../verification/parameter-file.js';
import { LIVENESS, type ParamsFacts } from '../../verification/proof.js';
import { classSet } from '../class-set.js';
import type { SlotsUnder } from '../follow.js';
import type { Slot } from '../slot.js';
import { type Body, type BodyOf, type Channel, openChannel } from './channel.js';
import { createDesk, type Desk, readable } from './desk.js';
import { entryOf, type HostEntry } from './hosts-file.js';
import { type IndexEntry, type IndexStore, withIndices } from './indices.js';
import { HOST_LIMITS } from './limits.js';
import { createLine, type Line } from './line.js';
import { createRemoteSlot } from './remote-slot.js';

/** Of this protocol; hosts of another one are rejected, and told so. */
export const HOST_FORMAT = 1;

export interface HostSlotStatus {
  readonly index: number;
  /** as the host counts */
  readonly number: number;
  readonly kind: string;
  readonly class: string;
  /** why it is not claimed; undefined where it is */
  readonly why?: string | undefined;
  /** its host gives proofs no more of this day: events are declined */
  readonly isCapped: boolean;
}

export interface HostStatus {
  readonly worker: string;
  readonly isConnected: boolean;
  readonly isRevoked: boolean;
  readonly address?: string | undefined;
  readonly version?: string | undefined;
  /** unix ms at which it was last heard */
  readonly seenMs?: number | undefined;
  /** there and back */
  readonly wayMs?: number | undefined;
  /** it was asked to end, and finishes what is at work */
  readonly isDraining: boolean;
  /** what it says of itself, which nobody checked */
  readonly facts?: HostFacts | undefined;
  readonly slots: readonly HostSlotStatus[];
}

export interface RejectedHost {
  readonly address: string;
  /** hex, of its key */
  readonly key: string;
  readonly reason: string;
  readonly times: number;
  /** unix ms */
  readonly lastMs: number;
}

export interface HostsStatus {
  readonly hosts: readonly HostStatus[];
  /** the latest ones */
  readonly rejected: readonly RejectedHost[];
}

export interface Hosts {
  /**
   * One connection whose other end holds `key`; resolves when it is over.
   * @param onWelcome it is no stranger's any more
   */
  meet(
    stream: Duplex,
    from: { readonly key: Uint8Array; readonly address: string },
    onWelcome?: () => void,
  ): Promise<void>;
  /** The slots of all hosts that came so far, under the sets of one file. */
  under(sets: readonly ParameterSet[]): SlotsUnder;
  /** Another number whenever `under` would say something else for the same sets. */
  revision(): number;
  status(): HostsStatus;
  /** What hosts that are connected said of themselves last. */
  facts(): readonly { readonly worker: string; readonly facts: HostFacts }[];
  /** Looks at the hosts file now and then, until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** Of a slot under one set. */
interface Fitted {
  readonly slot: Slot;
  readonly set: ParameterSet;
  readonly offered: Offered;
  readonly facts: ParamsFacts;
  /** undefined: it is fit for this set, on this connection */
  problem: string | undefined;
  /** the host was asked whether it is, and has not answered */
  isPending: boolean;
  /** monotonic ms */
  askedAt: number;
}

/** A slot that a host brought. */
interface Offered {
  readonly number: number;
  readonly index: number;
  readonly kind: string;
  readonly className: string;
}

interface Connection {
  readonly channel: Channel;
  readonly desk: Desk;
  readonly line: Line;
  readonly address: string;
  readonly version: string;
  readonly key: Uint8Array;
  readonly instance: Uint8Array;
}

interface Host {
  readonly worker: string;
  connection: Connection | undefined;
  offered: readonly Offered[];
  /** by number, kind and set; the longest unused goes */
  readonly fitted: Map<string, Fitted>;
  /** what was said of each one's rest */
  readonly said: Map<string, string>;
  lostAt: number;
  seenMs: number;
  /** numbers of slots */
  capped: ReadonlySet<number>;
  isDraining: boolean;
  facts: HostFacts | undefined;
  /** monotonic ms at which the log had its caps last */
  cappedSaidAt: number;
  /** that its facts cannot be read was said of this connection */
  isUnreadable: boolean;
}

const RELOAD_MS = 5_000;
const REJECTED_KEPT = 32;
const SAY_AGAIN_MS = 60_000;
/** A host that could not take a set, or was too busy to say so, is asked again: it may be otherwise before the line ever breaks. */
const FIT_AGAIN_MS = 60_000;

const gettingReady = ({ worker }: Host): string => `${worker} is getting ready for it`;

class Unwelcome extends Error {
  constructor(
    readonly reason: string,
    readonly passing = false,
  ) {
    super(reason);
  }
}

/** A limit is the host's to hear of, and somebody's to see to. */
function orUnwelcome<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isAssayError(error, 'limit-exceeded') ? new Unwelcome(error.message) : error;
  }
}

/** @param parts.readHosts the hosts file as it is now */
export async function createHosts(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly kinds: KindsByName;
  readonly indices: IndexStore;
  readonly readHosts: () => Promise<readonly HostEntry[]>;
}): Promise<Hosts> {
  const { clock, log, kinds, indices, readHosts } = parts;
  let entries = await readHosts();
  let known: readonly IndexEntry[] = await indices.read();
  let writing: Promise<unknown> = Promise.resolve();
  let revision = 0;
  const hosts = new Map<string, Host>();
  const rejected = new Map<string, RejectedHost>();
  /** when a key that nobody knows was logged last */
  let strangerSaidMs: number | undefined;

  function reject(
    channel: Channel,
    { key, address }: { key: Uint8Array; address: string },
    unwelcome: Unwelcome,
  ): void {
    const { reason, passing } = unwelcome;
    channel.send({ case: 'rejected', value: { reason, passing } });
    channel.end(reason);
    const name = `${toHex(key)} ${reason}`;
    const before = rejected.get(name);
    const now = clock.now();
    const isStranger = entryOf(entries, key) === undefined;
    rejected.delete(name);
    rejected.set(name, {
      address,
      key: toHex(key),
      reason,
      times: (before?.times ?? 0) + 1,
      lastMs: now,
    });
    if (rejected.size > REJECTED_KEPT) rejected.delete(leastRejected());
    // keys are free: strangers must be able neither to fill a disk nor to hide what befalls a host of ours
    const saidMs = isStranger ? strangerSaidMs : before?.lastMs;
    const isNews = saidMs === undefined || now - saidMs >= SAY_AGAIN_MS;
    if (isStranger && isNews) strangerSaidMs = now;
    log[isNews ? 'warn' : 'debug']('a host was rejected', { address, key: toHex(key).slice(0, 16), reason });
  }

  /** The oldest of a key that the hosts file does not name, where there is one. */
  function leastRejected(): string {
    const all = [...rejected];
    const [name] = all.find(([, { key }]) => !entries.some((entry) => entry.key === key)) ?? all[0]!;
    return name;
  }

  /** Who may hold this key. */
  function entryFor(key: Uint8Array): HostEntry {
    const entry = entryOf(entries, key);
    if (!entry) throw new Unwelcome(`the hosts file of this miner does not name key ${toHex(key)}`);
    if (entry.revoked) throw new Unwelcome(`the key of ${entry.worker} is revoked`);
    return entry;
  }

  function checkHello(hello: BodyOf<'hello'>, { worker }: HostEntry): void {
    const { format, slots } = hello;
    if (format !== HOST_FORMAT)
      throw new Unwelcome(
        `hosts of this miner speak format ${HOST_FORMAT}, this one ${format}: upgrade the older`,
      );
    if (hello.worker !== worker)
      throw new Unwelcome(`this key is for worker ${worker}, not ${readable(hello.worker).slice(0, 64)}`);
    if (hello.instance.length !== 16) throw new Unwelcome('Hello.instance: expected 16 bytes');
    if (slots.length === 0 || slots.length > HOST_LIMITS.slotsPerHost)
      throw new Unwelcome(`a host has 1 to ${HOST_LIMITS.slotsPerHost} slots, this one ${slots.length}`);
    const doors = slots.map(({ number, kind }) => `${number} ${kind === LIVENESS}`);
    if (new Set(doors).size < doors.length) throw new Unwelcome('a slot stands twice in Hello');
    if (slots.some(({ number }) => number >= HOST_LIMITS.slotsPerHost))
      throw new Unwelcome(`slots are numbered below ${HOST_LIMITS.slotsPerHost}`);
    for (const { kind, className } of slots)
      if (![kind, className].every((name) => /^[a-z][a-z0-9-]{0,31}$/.test(name)))
        throw new Unwelcome('kind and class of a slot are lower-case kebab of at most 32 characters');
  }

  /** One that is there already is not pushed out by another with its key; one that only seems to be is. */
  async function makeRoom(worker: string, instance: Uint8Array): Promise<void> {
    const before = hosts.get(worker)?.connection;
    if (!before) return;
    const isSame = equals(before.instance, instance);
    if (!isSame) log.info('another process has the key of a host that is connected', { worker });
    if (!isSame && (await before.line.probe()) && hosts.get(worker)?.connection === before)
      throw new Unwelcome(
        `worker ${worker} is connected already, from ${before.address}, as another process: a key is for one host`,
        true,
      );
    before.channel.end(
      isSame ? 'the host came again' : 'another process of the host came, and this one is silent',
    );
  }

  async function indicesFor(worker: string, numbers: readonly number[]): Promise<readonly number[]> {
    const step = writing.then(async () => {
      const next = orUnwelcome(() => withIndices(known, worker, numbers));
      if (next !== known) await indices.write(next);
      known = next;
    });
    writing = step.catch(() => {}); // the next one writes all of it again
    await step;
    return numbers.map((number) => known.find((e) => e.worker === worker && e.number === number)!.index);
  }

  /** What of a host's slots is not claimed, and why. */
  function whyNot(host: Host, { problem, facts, offered }: Fitted): string | undefined {
    const { worker, connection } = host;
    if (!entries.some((entry) => entry.worker === worker && !entry.revoked))
      return `the hosts file names no key of ${worker} any more`;
    if (!connection) {
      const isSpared = problem === undefined && clock.monotonic() - host.lostAt <= HOST_LIMITS.graceMs;
      return isSpared ? undefined : `${worker} is away`;
    }
    if (host.isDraining) return `${worker} is about to end`;
    if (problem !== undefined) return problem;
    const way = connection.line.wayMs();
    if (way === undefined) return `the line to ${worker} is not measured yet`;
    const shortest = Math.min(...facts.phases.map(({ withinMs }) => withinMs));
    const most = shortest * HOST_LIMITS.wayShare;
    if (way <= most) return undefined;
    return `the way to ${worker} and back takes ${Math.ceil(way)} ms; ${offered.kind}:${facts.className} has steps of ${shortest} ms, of which it may take ${Math.floor(most)}`;
  }

  /** Says to both sides what changed. */
  function sayRests(host: Host): void {
    const { connection } = host;
    for (const [name, fitted] of host.fitted) {
      const { number, index } = fitted.offered;
      if (connection && (fitted.isPending || connection.line.wayMs() === undefined)) continue; // it will be known at once
      const why = whyNot(host, fitted) ?? '';
      if (host.said.get(name) === why) continue;
      host.said.set(name, why);
      connection?.desk.tell({ case: 'rest', value: { slot: number, why } });
      if (why !== '') log.warn('a slot of a host rests', { worker: host.worker, slot: index, why });
      else log.info('a slot of a host is claimed', { worker: host.worker, slot: index });
    }
  }

  function fit(host: Host, fitted: Fitted): void {
    const { connection } = host;
    if (!connection) return;
    const { set, offered } = fitted;
    fitted.problem = gettingReady(host);
    fitted.isPending = true;
    fitted.askedAt = clock.monotonic();
    const ask = connection.desk.ask(
      'fit',
      {
        slot: offered.number,
        paramsId: fromHex(set.id),
        kind: set.kind,
        className: set.className,
        params: JSON.stringify(set.params),
      },
      { answerBytes: 0, withinMs: HOST_LIMITS.answerMs },
    );
    const settle = (problem: string | undefined) => {
      if (host.connection !== connection) return;
      fitted.problem = problem;
      fitted.isPending = false;
      sayRests(host);
    };
    ask.then(
      () => settle(undefined),
      (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
    );
  }

  function fittedOf(host: Host, offered: Offered, set: ParameterSet): Fitted {
    const name = `${offered.number} ${set.id}`;
    const before = host.fitted.get(name);
    if (before?.offered.kind === offered.kind && before.offered.className === offered.className)
      return before;
    const kind = kinds[set.kind]!; // of a set that was read with these kinds
    const params = kind.parseParams(set.params);
    const facts = kind.facts(params);
    const { worker } = host;
    const { index, number } = offered;
    const slot = createRemoteSlot(
      {
        clock,
        desk: () => {
          if (!host.connection)
            throw new AssayError('unreachable', `${worker}: not connected`, { address: worker });
          return host.connection.desk;
        },
        wayMs: () => host.connection?.line.wayMs() ?? 0,
      },
      {
        claim: { index, worker, kind: set.kind, paramsId: fromHex(set.id) },
        number,
        phases: facts.phases,
        limits: kind.limits(params),
        rests: () => whyNot(host, fitted),
        // a check is never declined: it is next to no work, and says that the slot is there
        ...(set.kind === LIVENESS
          ? {}
          : { declines: () => (host.capped.has(number) ? 'capped' : undefined) }),
      },
    );
    const fitted: Fitted = {
      slot,
      set,
      offered,
      facts,
      problem: gettingReady(host),
      isPending: false,
      askedAt: clock.monotonic(),
    };
    host.fitted.set(name, fitted);
    const own = [...host.fitted.keys()].filter((key) => key.startsWith(`${number} `));
    for (const oldest of own.slice(0, -2 * HOST_LIMITS.setsPerSlot)) host.fitted.delete(oldest); // the slot's and its check's
    fit(host, fitted);
    return fitted;
  }

  function takeHost(
    worker: string,
    hello: BodyOf<'hello'>,
    at: readonly number[],
    connection: Connection,
  ): Host {
    const host: Host = hosts.get(worker) ?? {
      worker,
      connection: undefined,
      offered: [],
      fitted: new Map(),
      said: new Map(),
      lostAt: clock.monotonic(),
      seenMs: clock.now(),
      capped: new Set(),
      isDraining: false,
      facts: undefined,
      cappedSaidAt: Number.NEGATIVE_INFINITY,
      isUnreadable: false,
    };
    hosts.set(worker, host);
    host.connection = connection;
    // said by the connection before: this one says its own before a slot is fit, or says nothing
    host.capped = new Set();
    host.isDraining = false;
    host.facts = undefined;
    host.isUnreadable = false;
    const offered = hello.slots.map(({ number, kind, className }, i) => ({
      number,
      kind,
      className,
      index: at[i]!,
    }));
    if (JSON.stringify(offered) !== JSON.stringify(host.offered)) {
      host.offered = offered;
      revision++;
    }
    for (const [name, { offered: of }] of host.fitted)
      if (!offered.some((o) => o.number === of.number && o.kind === of.kind && o.className === of.className))
        host.fitted.delete(name);
    host.said.clear();
    for (const fitted of host.fitted.values()) fit(host, fitted);
    return host;
  }

  function takeStanding(host: Host, { capped, draining }: BodyOf<'standing'>): void {
    const { worker } = host;
    if (capped.length > HOST_LIMITS.slotsPerHost)
      throw new Error(`${capped.length} slots are capped, at most ${HOST_LIMITS.slotsPerHost} there are`);
    const next = new Set(capped);
    const other = host.offered.filter(
      ({ number, kind }) => kind !== LIVENESS && next.has(number) !== host.capped.has(number),
    );
    // a host that changes its mind with every frame must not fill a disk
    const isNews = clock.monotonic() - host.cappedSaidAt >= SAY_AGAIN_MS;
    const level = isNews ? 'info' : 'debug';
    if (isNews && other.length > 0) host.cappedSaidAt = clock.monotonic();
    for (const { number, index } of other)
      if (next.has(number))
        log[level]('a slot of a host declines: its day is used up', { worker, slot: index });
      else log[level]('a slot of a host is given to proofs again', { worker, slot: index });
    host.capped = next;
    if (draining && !host.isDraining) log.info('a host is about to end', { worker });
    host.isDraining ||= draining; // it ends with its connection
    sayRests(host);
  }

  /** What cannot be read is not told, and costs the host nothing else: no slot hangs on it. */
  function takeFacts(host: Host, { facts: text }: BodyOf<'facts'>): void {
    const { worker } = host;
    if (text.length > HOST_LIMITS.factsChars)
      throw new Error(`facts of ${text.length} characters, at most ${HOST_LIMITS.factsChars} may come`);
    try {
      host.facts = parseHostFacts(text);
    } catch (error) {
      host.facts = undefined;
      if (!host.isUnreadable) log.warn('what a host says of itself is not told', { worker, error });
      host.isUnreadable = true;
    }
  }

  async function meet(
    stream: Duplex,
    from: { readonly key: Uint8Array; readonly address: string },
    onWelcome: () => void = () => {},
  ): Promise<void> {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    let take: (body: Body) => void = () => {};
    let over: (why: string) => void = () => {};
    const isOver = new Promise<string>((resolve) => {
      over = resolve;
    });
    const hello = new Promise<BodyOf<'hello'>>((resolve) => {
      take = (body) => {
        if (body.case !== 'hello') throw new Error(`expected hello, got ${body.case}`);
        take = () => {
          throw new Error('a frame before Welcome');
        };
        resolve(body.value);
      };
    });
    const channel = openChannel(stream, HOST_LIMITS.strangerFrameBytes, {
      frame: (body) => take(body),
      over: (why) => over(why),
    });
    const line = createLine({
      clock,
      ping: (id) => channel.send({ case: 'ping', value: { id } }),
      isBusy: () => desk.isBusy(),
      onMeasured: () => heard(),
    });
    let host: Host | undefined;
    const heard = () => {
      if (!host) return;
      host.seenMs = clock.now();
      sayRests(host);
    };
    let desk: Desk = createDesk({ channel: () => channel, clock, name: 'a host', address: from.address });
    try {
      const entry = entryFor(from.key);
      const { worker } = entry;
      desk = createDesk({ channel: () => channel, clock, name: worker, address: from.address });
      const late = () => new Unwelcome(`no Hello within ${HOST_LIMITS.helloMs} ms`, true);
      const first = await withTimeout(
        clock,
        HOST_LIMITS.helloMs,
        Promise.race([hello, isOver.then(() => undefined)]),
        late,
      );
      if (!first) return;
      checkHello(first, entry);
      await makeRoom(worker, first.instance);
      const at = await indicesFor(
        worker,
        first.slots.map(({ number }) => number),
      );
      entryFor(from.key); // the file may have changed meanwhile
      if (channel.isOver) return;
      hosts.get(worker)?.connection?.channel.end('the host came again'); // two that waited for the same one to go
      channel.widen(HOST_LIMITS.frameBytes);
      channel.send({
        case: 'welcome',
        value: { version: VERSION, indices: [...at], heedsStanding: true },
      });
      take = (body) => {
        if (body.case === 'pong') line.pong(body.value.id);
        else if (body.case === 'standing') takeStanding(host!, body.value);
        else if (body.case === 'facts') takeFacts(host!, body.value);
        else if (!desk.take(body)) throw new Error(`a frame that hosts do not send: ${body.case}`);
      };
      const connection: Connection = {
        channel,
        desk,
        line,
        address: from.address,
        version: readable(first.version).slice(0, 64),
        key: from.key,
        instance: first.instance,
      };
      host = takeHost(worker, first, at, connection);
      onWelcome();
      log.info('a host is connected', { worker, address: from.address, slots: at.length });
      void line.run(stop.signal).then((why) => channel.end(why));
      const why = await isOver;
      if (host.connection === connection) {
        // what was not claimed when it went is not claimed while it is away
        for (const fitted of host.fitted.values()) fitted.problem = whyNot(host, fitted);
        host.connection = undefined;
        host.isDraining = false;
        host.lostAt = clock.monotonic();
      }
      log.warn('a host went', { worker, address: from.address, reason: readable(why) });
    } catch (error) {
      if (!(error instanceof Unwelcome))
        log.error('a host could not be taken', { address: from.address, error });
      const unwelcome = error instanceof Unwelcome ? error : new Unwelcome('this miner failed', true);
      reject(channel, from, unwelcome);
    } finally {
      stop.abort();
      desk.end('the connection broke');
      channel.end('over');
    }
  }

  /** Who lost its place while it was connected. */
  function sweep(): void {
    for (const [worker, { connection }] of hosts) {
      if (!connection) continue;
      const entry = entryOf(entries, connection.key);
      if (entry?.worker === worker && !entry.revoked) continue;
      const reason = `the hosts file of this miner does not name this key for ${worker} any more`;
      connection.channel.send({ case: 'rejected', value: { reason, passing: false } });
      connection.channel.end(reason);
    }
    for (const host of hosts.values()) {
      for (const fitted of host.fitted.values())
        if (
          !fitted.isPending &&
          fitted.problem !== undefined &&
          clock.monotonic() - fitted.askedAt >= FIT_AGAIN_MS
        )
          fit(host, fitted);
      sayRests(host);
    }
  }

  return {
    meet,
    under(sets) {
      const slots: Slot[] = [];
      const resting: { slot: string; why: string }[] = [];
      for (const host of hosts.values())
        for (const offered of host.offered) {
          const name = `${host.worker}/${offered.kind}:${offered.className}`;
          const chosen = classSet(offered, { kinds, sets });
          if ('why' in chosen) resting.push({ slot: name, why: chosen.why });
          else if (chosen.kind.round) resting.push({ slot: name, why: MEETS });
          else slots.push(fittedOf(host, offered, chosen.set).slot);
        }
      return { slots, resting };
    },
    revision: () => revision,
    facts: () =>
      [...hosts.values()].flatMap(({ worker, facts, connection }) =>
        connection && facts ? [{ worker, facts }] : [],
      ),
    status: () => ({
      hosts: entries.map(({ worker, revoked }) => statusOf(worker, revoked)),
      rejected: [...rejected.values()],
    }),
    async run(signal) {
      let failed = '';
      while (!signal.aborted) {
        await clock.sleep(RELOAD_MS, signal);
        if (signal.aborted) return;
        try {
          entries = await readHosts();
          failed = '';
        } catch (error) {
          const now = String(error);
          if (now !== failed) log.error('the hosts file is not read, the last one holds', { error });
          failed = now;
        }
        sweep();
      }
    },
  };

  function statusOf(worker: string, isRevoked: boolean): HostStatus {
    const host = isRevoked ? undefined : hosts.get(worker);
    if (!host) return { worker, isRevoked, isConnected: false, isDraining: false, slots: [] };
    const { connection, offered, fitted } = host;
    return {
      worker,
      isRevoked,
      isConnected: connection !== undefined,
      address: connection?.address,
      version: connection?.version,
      seenMs: host.seenMs,
      wayMs: connection?.line.wayMs(),
      isDraining: host.isDraining,
      facts: host.facts,
      slots: offered.map(({ index, number, kind, className }) => {
        const all = [...fitted.values()].filter(
          (f) => f.offered.number === number && f.offered.kind === kind,
        );
        const latest = all.at(-1);
        const why = latest
          ? whyNot(host, latest)
          : 'no set of the parameters that count is for it, or none yet';
        const isCapped = kind !== LIVENESS && host.capped.has(number);
        return { index, number, kind, class: className, isCapped, ...(why === undefined ? {} : { why }) };
      }),
    };
  }
}

/** Others call such a slot at the axon's address, and its port answers in the hotkey's name. */
const MEETS = 'slots that meet others work where the hotkey is: on the host that the chain names';
