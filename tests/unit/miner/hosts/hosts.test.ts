// Hosts and their miner over real sockets with TLS; time moves only where a test says so.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { openChannel } from '../../../../src/miner/hosts/channel.js';
import { type HostState, runHost } from '../../../../src/miner/hosts/host.js';
import { createHosts, type Hosts } from '../../../../src/miner/hosts/hosts.js';
import type { HostEntry } from '../../../../src/miner/hosts/hosts-file.js';
import type { IndexEntry } from '../../../../src/miner/hosts/indices.js';
import { HOST_LIMITS } from '../../../../src/miner/hosts/limits.js';
import { dialMiner, serveHosts } from '../../../../src/miner/hosts/tls.js';
import type { Slot, SlotJob } from '../../../../src/miner/slot.js';
import { fromHex, toHex, utf8 } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import type { HostFacts } from '../../../../src/protocol/host-facts.js';
import { createServerIdentity } from '../../../../src/protocol/server-key.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import type { ParameterSet } from '../../../../src/verification/parameter-file.js';
import { createHandClock } from '../../../support/hand-clock.js';
import { recordingLog } from '../../../support/logs.js';
import { bytes32 } from '../../../support/sessions.js';
import { slowLine } from '../../../support/slow-line.js';
import { TOY_PARAMS, type ToyParams, toyKind } from '../../../support/toy-kind.js';

const PARAMS: ToyParams = { ...TOY_PARAMS, localnetOnly: false };
const kinds = {
  toy: toyKind({
    parseParams: (value) => value as ToyParams,
    limits: () => ({ commitBytes: 64, openingBytes: 1_000_000 }),
  }),
};
const SET: ParameterSet = { kind: 'toy', className: 'toy', id: toHex(paramsId(PARAMS)), params: PARAMS };
const identityOf = (name: string) => createServerIdentity(bytes32(`identity of ${name}`));
const keyOf = (name: string) => toHex(identityOf(name).serverKey.publicKey);
const JOB: SlotJob = { eventId: bytes32('event'), basis: bytes32('basis'), seed: bytes32('seed') };

const stops: AbortController[] = [];
const running: Promise<unknown>[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await Promise.allSettled(running.splice(0));
});
function stopper(): AbortController {
  const stop = new AbortController();
  stops.push(stop);
  return stop;
}

/** A line whose far end does not notice when it is cut. */
async function lineTo(port: number): Promise<{ port: number; cut(): void; close(): void }> {
  const near: Socket[] = [];
  const far: Socket[] = [];
  const server = createServer((socket) => {
    const through = connect(port, '127.0.0.1').on('error', () => {});
    near.push(socket.on('error', () => {}));
    far.push(through);
    socket.on('data', (data) => through.write(data));
    through.on('data', (data) => void (socket.destroyed || socket.write(data)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = (server.address() as AddressInfo).port; // a TCP server's
  const cut = () => near.forEach((socket) => void socket.destroy());
  const close = () => {
    cut();
    for (const socket of far) socket.destroy();
    server.close();
  };
  return { port: own, cut, close };
}

/** Looks after each turn of the event loop; the test's own time-out bounds it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

/** So much time in steps of a ping, each with turns enough for its answer to come back over the sockets. */
async function ticks(ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += HOST_LIMITS.pingMs) {
    clock.advance(HOST_LIMITS.pingMs);
    for (let i = 0; i < 20; i++) await turn();
  }
}

interface MinerScene {
  readonly port: number;
  readonly hosts: Hosts;
  readonly lines: ReturnType<typeof recordingLog>['lines'];
  readonly stop: AbortController;
  readonly closed: Promise<void>;
  entries: HostEntry[];
  slots(): readonly Slot[];
  claimed(): readonly Slot[];
}

const clock = createHandClock();

async function miner(
  entries: HostEntry[],
  { port = 0, indices = [] as IndexEntry[], name = 'miner' } = {},
): Promise<MinerScene> {
  const stop = stopper();
  const { log, lines } = recordingLog();
  const scene = { entries };
  const hosts = await createHosts({
    clock,
    log,
    kinds,
    indices: {
      read: async () => [...indices],
      write: async (next) => void indices.splice(0, Number.POSITIVE_INFINITY, ...next),
    },
    readHosts: async () => scene.entries,
  });
  running.push(hosts.run(stop.signal));
  const door = await serveHosts(
    { hosts, clock, identity: identityOf(name) },
    { host: '127.0.0.1', port },
    stop.signal,
  );
  const slots = () => hosts.under([SET]).slots;
  return Object.assign(scene, {
    port: door.port,
    closed: door.closed,
    hosts,
    lines,
    stop,
    slots,
    claimed: () => slots().filter((slot) => slot.rests?.() === undefined),
  });
}

const entry = (worker: string, key = worker, revoked = false): HostEntry => ({
  worker,
  key: keyOf(key),
  revoked,
});

/** A host whose slots commit to the job's seed and open what they are asked for; `starts` may hold one up. */
function host(
  worker: string,
  port: number,
  {
    key = worker,
    minerKey = keyOf('miner'),
    slots = 1,
    seed = worker,
    hold = undefined as Promise<void> | undefined,
    fits = (): boolean => true,
    rests = (): string | undefined => undefined,
    isCapped = (_number: number): boolean => false,
    facts = (): HostFacts | undefined => undefined,
    hasCaps = false,
    drainMs = 0,
    dial = undefined as (() => Promise<Duplex>) | undefined,
  } = {},
) {
  const stop = stopper();
  const { log, lines } = recordingLog();
  const states: HostState[] = [];
  const released: string[] = [];
  const started: string[] = [];
  const slotOf = (number: number, set: ParameterSet): Slot => ({
    claim: { index: number, worker, kind: set.kind, paramsId: fromHex(set.id) },
    rests,
    declines: () => (isCapped(number) ? 'capped' : undefined),
    async start({ seed: own }, signal) {
      started.push(`${number} ${toHex(own)}`);
      signal.addEventListener('abort', () => released.push(`aborted ${number}`));
      await hold;
      return {
        commit: own,
        open: async (request) => new Uint8Array(300_000).fill(request[0]!),
        release: () => void released.push(`${number}`),
      };
    },
  });
  running.push(
    runHost(
      {
        clock,
        log,
        random: createSeededRandom(seed),
        kinds,
        facts,
        dial: (signal) =>
          dial?.() ??
          dialMiner(
            { identity: identityOf(key) },
            { host: '127.0.0.1', port, minerKey: fromHex(minerKey) },
            signal,
          ),
        under: (set) => Array.from({ length: fits() ? slots : 0 }, (_, number) => slotOf(number, set)),
        onState: (state) => states.push(state),
      },
      {
        worker,
        slots: Array.from({ length: slots }, (_, number) => ({ number, kind: 'toy', className: 'toy' })),
        hasCaps,
        drainMs,
      },
      stop.signal,
    ),
  );
  return {
    stop,
    states,
    lines,
    released,
    started,
    isConnected: () => states.at(-1)?.state === 'connected',
    why: () => {
      const last = states.at(-1);
      return last?.state === 'away' ? last.why : undefined;
    },
  };
}

describe('a host behind a miner', () => {
  test('serves its slots under indices of the hotkey, openings in pieces', async () => {
    const at = await miner([entry('rack-1')]);
    const there = host('rack-1', at.port, { slots: 2 });
    await until(() => at.claimed().length === 2);
    expect(at.claimed().map(({ claim }) => [claim.index, claim.worker])).toEqual([
      [64, 'rack-1'],
      [65, 'rack-1'],
    ]);
    expect(there.states).toEqual([{ state: 'connected', indices: [64, 65] }]);
    const [, second] = at.claimed();
    const proving = await second!.start(JOB, new AbortController().signal);
    expect(toHex(proving.commit)).toBe(toHex(JOB.seed));
    expect(there.started).toEqual([`1 ${toHex(JOB.seed)}`]);
    const opening = await proving.open(Uint8Array.of(7));
    expect([opening.length, opening[0], opening.at(-1)]).toEqual([300_000, 7, 7]);
    proving.release();
    await until(() => there.released.includes('1'));
    expect(at.hosts.status().hosts[0]).toMatchObject({
      worker: 'rack-1',
      isConnected: true,
      wayMs: 0,
      slots: [
        { index: 64, number: 0 },
        { index: 65, number: 1 },
      ],
    });
  });

  test('has the same indices after everybody was restarted, in whatever order they come', async () => {
    const indices: IndexEntry[] = [];
    const first = await miner([entry('a'), entry('b')], { indices });
    const a = host('a', first.port, { slots: 2 });
    await until(() => first.claimed().length === 2);
    const b = host('b', first.port);
    await until(() => first.claimed().length === 3);
    for (const { stop } of [a, b, first]) stop.abort();
    await first.closed;
    const again = await miner([entry('a'), entry('b')], { indices });
    host('b', again.port, { slots: 2 });
    await until(() => again.claimed().length === 2);
    host('a', again.port, { slots: 2 });
    await until(() => again.claimed().length === 4);
    expect(again.claimed().map(({ claim }) => [claim.worker, claim.index])).toEqual([
      ['b', 66],
      ['b', 67],
      ['a', 64],
      ['a', 65],
    ]);
  });

  test('that dies in a proof fails that one alone, and is claimed for a minute more', async () => {
    const at = await miner([entry('a'), entry('b')]);
    const line = await lineTo(at.port);
    const a = host('a', line.port, { hold: new Promise(() => {}) });
    const b = host('b', at.port);
    await until(() => at.claimed().length === 2);
    const slotOf = (worker: string) => at.slots().find(({ claim }) => claim.worker === worker)!;
    const dying = slotOf('a')
      .start(JOB, new AbortController().signal)
      .catch((error: unknown) => error);
    const fine = await slotOf('b').start(JOB, new AbortController().signal);
    await until(() => a.started.length === 1);
    line.close();
    expect(await dying).toMatchObject({ code: 'unreachable' });
    expect((await fine.open(Uint8Array.of(1))).length).toBe(300_000);
    expect(b.released).toEqual([]);
    expect(at.claimed()).toHaveLength(2);
    await expect(slotOf('a').start(JOB, new AbortController().signal)).rejects.toThrow('a: not connected');
    clock.advance(HOST_LIMITS.graceMs + 1);
    expect(slotOf('a').rests?.()).toBe('a is away');
    // of b nothing was heard for a minute of this clock, but no ping of it is late: it has answered each
    expect(at.claimed().map(({ claim }) => claim.worker)).toEqual(['b']);
  });

  test('whose slots were not claimed when it went claims none while it is away', async () => {
    const at = await miner([entry('a')]);
    const a = host('a', at.port, { fits: () => false });
    await until(() => at.slots()[0]?.rests?.() === 'a: this host has no slot 0 of toy:toy');
    a.stop.abort();
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    expect(at.slots()[0]!.rests?.()).toBe('a is away');
  });

  test('whose slot failed its proof is not claimed, and is once it is well, on the same line', async () => {
    const at = await miner([entry('a')]);
    let failed: string | undefined = 'the card fell off the bus';
    const a = host('a', at.port, { rests: () => failed });
    const why = 'a: its proof failed there: the card fell off the bus';
    await until(() => at.slots()[0]?.rests?.() === why);
    failed = undefined;
    for (let ms = 0; ms <= 65_000; ms += 5_000) {
      clock.advance(5_000);
      for (let i = 0; i < 20; i++) await turn();
    }
    await until(() => at.claimed().length === 1);
    expect(a.states.map(({ state }) => state)).toEqual(['connected']);
  });

  test('finds its miner again after that one was restarted, and has given up what it worked on', async () => {
    const first = await miner([entry('a')]);
    const a = host('a', first.port);
    await until(() => first.claimed().length === 1);
    await first.claimed()[0]!.start(JOB, new AbortController().signal);
    first.stop.abort();
    await until(() => a.released.includes('0') && a.why() !== undefined);
    await first.closed;
    const again = await miner([entry('a')], { port: first.port });
    expect(again.claimed()).toEqual([]);
    clock.advance(HOST_LIMITS.backOffMs);
    await until(() => again.claimed().length === 1);
    expect(a.isConnected()).toBe(true);
  });

  test('that comes again takes the place of its own connection, which the miner thinks is there', async () => {
    const at = await miner([entry('a')]);
    const line = await lineTo(at.port);
    const a = host('a', line.port);
    await until(() => at.claimed().length === 1);
    line.cut();
    await until(() => !a.isConnected());
    expect(at.hosts.status().hosts[0]).toMatchObject({ isConnected: true });
    clock.advance(HOST_LIMITS.backOffMs);
    await until(() => a.isConnected() && at.claimed().length === 1);
    expect(a.states.map(({ state }) => state)).toEqual(['connected', 'away', 'connected']);
    line.close();
  });

  test('that was started anew takes it when the old one is silent', async () => {
    const at = await miner([entry('a')]);
    const line = await lineTo(at.port);
    const before = host('a', line.port, { seed: 'before' });
    await until(() => at.claimed().length === 1);
    before.stop.abort();
    line.cut();
    const after = host('a', line.port, { seed: 'after' });
    await until(() => at.lines.some(({ msg }) => msg.startsWith('another process has the key')));
    await turn(); // the old one is asked whether it is there
    expect(after.isConnected()).toBe(false);
    clock.advance(HOST_LIMITS.probeMs);
    await until(() => after.isConnected() && at.claimed().length === 1);
    line.close();
  });

  test('whose answer is longer than its kind may open is cut off', async () => {
    const at = await miner([entry('a')]);
    const a = host('a', at.port);
    await until(() => at.claimed().length === 1);
    const slot = at.claimed()[0]!;
    const proving = await slot.start({ ...JOB, seed: new Uint8Array(64) }, new AbortController().signal);
    expect(proving.commit).toHaveLength(64);
    const long = slot.start({ ...JOB, seed: new Uint8Array(65) }, new AbortController().signal);
    await expect(long).rejects.toMatchObject({ code: 'unreachable' });
    await until(() => !a.isConnected());
  });
});

describe('the owner of a host', () => {
  test('caps what proofs take of it: the miner declines for the slots it names, and for those alone, until it says otherwise', async () => {
    const at = await miner([entry('a')]);
    let capped = [1];
    host('a', at.port, { slots: 2, hasCaps: true, isCapped: (number) => capped.includes(number) });
    await until(() => at.claimed().length === 2);
    const declined = () => at.claimed().map((slot) => slot.declines?.(1));
    await until(() => declined()[1] === 'capped');
    expect(declined()).toEqual([undefined, 'capped']);
    expect(at.hosts.status().hosts[0]!.slots.map(({ isCapped }) => isCapped)).toEqual([false, true]);
    capped = [];
    while (declined()[1] !== undefined) {
      clock.advance(HOST_LIMITS.pingMs);
      await turn();
    }
    expect(declined()).toEqual([undefined, undefined]);
    expect(at.lines.filter(({ msg }) => msg.includes('its day is used up'))).toHaveLength(1);
  });

  test('caps it for as long as it says so: one that comes again without a cap has none', async () => {
    const at = await miner([entry('a')]);
    const before = host('a', at.port, { isCapped: () => true });
    await until(() => at.claimed().length === 1);
    // with the first word that it is fit, or an event could come between
    expect(at.claimed()[0]!.declines?.(1)).toBe('capped');
    before.stop.abort();
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    host('a', at.port);
    await until(() => at.claimed().length === 1);
    expect(at.claimed()[0]!.declines?.(1)).toBeUndefined();
  });

  test('caps it against a miner that was told and goes on: what it had armed is begun, two minutes later nothing is', async () => {
    const at = await miner([entry('a')]);
    const line = await lineTo(at.port);
    let capped = [1];
    const there = host('a', line.port, {
      slots: 2,
      hasCaps: true,
      isCapped: (number) => capped.includes(number),
    });
    await until(() => at.claimed().length === 2);
    const begin = async (number: number) => {
      const proving = await at.claimed()[number]!.start(JOB, new AbortController().signal);
      proving.release();
    };
    await begin(1);
    await ticks(HOST_LIMITS.cappedMs);
    // that the host has to come anew gains a miner nothing
    line.cut();
    await until(() => there.why() !== undefined);
    while (!there.isConnected() || at.claimed().length < 2) await ticks(HOST_LIMITS.pingMs);
    await expect(begin(1)).rejects.toThrow(/^a: slot 1: its day is used up, as this host said \d+ s ago$/);
    await begin(0);
    capped = [];
    await ticks(2 * HOST_LIMITS.pingMs);
    await begin(1);
    expect(there.started.map((text) => text[0])).toEqual(['1', '0', '1']);
  });

  test('that says otherwise with every word is in the log once a minute', async () => {
    const at = await miner([entry('a')]);
    let isCapped = false;
    host('a', at.port, { hasCaps: true, isCapped: () => isCapped });
    await until(() => at.claimed().length === 1);
    const from = clock.monotonic();
    for (let i = 0; i < 20; i++) {
      isCapped = !isCapped;
      await until(() => {
        clock.advance(100);
        return (at.claimed()[0]?.declines?.(1) === 'capped') === isCapped;
      });
    }
    const lines = at.lines.filter(({ msg }) => /its day is used up|given to proofs again/.test(msg));
    expect(lines).toHaveLength(20);
    const spanMs = clock.monotonic() - from;
    expect(lines.filter(({ level }) => level === 'info').length).toBeLessThanOrEqual(1 + spanMs / 60_000);
  });

  test('is told by a host with caps that its miner is too old to know of them, and nothing is served there', async () => {
    const [near, far] = slowLine(clock, () => 0);
    const old = openChannel(far, HOST_LIMITS.frameBytes, {
      frame: (body) => {
        if (body.case === 'hello')
          old.send({ case: 'welcome', value: { version: '0.0.1', indices: [64], heedsStanding: false } });
      },
      over: () => {},
    });
    const there = host('a', 0, { hasCaps: true, dial: async () => near });
    while (there.why() === undefined) {
      clock.advance(0); // the line takes no time, but a turn of this clock
      await turn();
    }
    expect(there.why()).toBe(
      'assay 0.0.1 of the miner knows no caps of a host: upgrade it, or start this host without',
    );
    expect(there.states).toHaveLength(1);
  });

  test('asks it to end: what is at work is finished, nothing is begun, and the miner claims nothing there', async () => {
    const at = await miner([entry('a')]);
    const there = host('a', at.port, { slots: 2, drainMs: HOST_LIMITS.drainMs });
    await until(() => at.claimed().length === 2);
    const [first, second] = at.claimed();
    const proving = await first!.start(JOB, new AbortController().signal);
    there.stop.abort();
    await until(() => at.hosts.status().hosts[0]!.isDraining);
    expect(there.states.at(-1)).toEqual({ state: 'draining', jobs: 1 });
    expect(at.slots().map((slot) => slot.rests?.())).toEqual(['a is about to end', 'a is about to end']);
    await expect(second!.start(JOB, new AbortController().signal)).rejects.toThrow(
      'a: this host is about to end',
    );
    expect((await proving.open(Uint8Array.of(7))).length).toBe(300_000);
    expect(at.hosts.status().hosts[0]!.isConnected).toBe(true);
    proving.release();
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    expect(there.released).toEqual(['aborted 0', '0']);
    // it said so itself: it is not waited for
    expect(at.claimed()).toEqual([]);
    host('a', at.port, { slots: 2 });
    await until(() => at.claimed().length === 2);
  });

  test('waits eight seconds for what does not end, and no longer', async () => {
    const at = await miner([entry('a')]);
    const there = host('a', at.port, { drainMs: HOST_LIMITS.drainMs });
    await until(() => at.claimed().length === 1);
    await at.claimed()[0]!.start(JOB, new AbortController().signal);
    there.stop.abort();
    await until(() => at.hosts.status().hosts[0]!.isDraining);
    clock.advance(HOST_LIMITS.drainMs - 1);
    for (let i = 0; i < 20; i++) await turn();
    expect(at.hosts.status().hosts[0]!.isConnected).toBe(true);
    clock.advance(1);
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    expect(there.released).toEqual(['aborted 0', '0']);
  });

  test('has what it says of itself told to the miner, as often as it is another, and while it is there', async () => {
    const at = await miner([entry('a')]);
    let facts: HostFacts | undefined;
    const there = host('a', at.port, { facts: () => facts });
    await until(() => at.claimed().length === 1);
    expect(at.hosts.facts()).toEqual([]);
    facts = { at: 1, kernel: 'Linux 6.12', openPorts: [22] };
    while (at.hosts.facts().length === 0) {
      clock.advance(HOST_LIMITS.pingMs);
      await turn();
    }
    expect(at.hosts.facts()).toEqual([{ worker: 'a', facts }]);
    expect(at.hosts.status().hosts[0]!.facts).toEqual(facts);
    there.stop.abort();
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    expect(at.hosts.facts()).toEqual([]);
  });

  test('has nothing told any more when it comes again and says nothing', async () => {
    const at = await miner([entry('a')]);
    const before = host('a', at.port, { facts: () => ({ at: 1, kernel: 'Linux 6.12' }) });
    await until(() => at.hosts.facts().length === 1);
    before.stop.abort();
    await until(() => !at.hosts.status().hosts[0]!.isConnected);
    host('a', at.port);
    await until(() => at.claimed().length === 1);
    expect(at.hosts.facts()).toEqual([]);
    expect(at.hosts.status().hosts[0]!.facts).toBeUndefined();
  });

  test('gets no facts told that nobody could read, however often it says them, and its slots work all the same', async () => {
    const at = await miner([entry('a')]);
    let said = 0;
    host('a', at.port, { facts: () => ({ at: said++, kernel: 'with a \u001b[31m colour' }) });
    await until(() => at.claimed().length === 1);
    await ticks(5 * HOST_LIMITS.pingMs);
    expect(said).toBeGreaterThan(4);
    expect(at.lines.filter(({ msg }) => msg === 'what a host says of itself is not told')).toHaveLength(1);
    expect(at.claimed()).toHaveLength(1);
    expect(at.hosts.facts()).toEqual([]);
  });

  test('is not cut off for facts that are longer than may come: they are not told', async () => {
    const at = await miner([entry('a')]);
    const drivers = Array.from({ length: 32 }, () => '"'.repeat(400));
    const there = host('a', at.port, { facts: () => ({ at: 1, drivers }) });
    await until(() => at.claimed().length === 1);
    await ticks(5 * HOST_LIMITS.pingMs);
    expect(there.lines.filter(({ msg }) => msg.includes('too long'))).toHaveLength(1);
    expect(there.states).toHaveLength(1);
    expect(at.claimed()).toHaveLength(1);
  });
});

describe('who is not welcome hears why, and so does the miner', () => {
  const reasons = (at: MinerScene) => at.hosts.status().rejected.map(({ reason }) => reason);

  test('a key that nobody named', async () => {
    const at = await miner([entry('a')]);
    const stranger = host('a', at.port, { key: 'stranger' });
    await until(() => stranger.why() !== undefined);
    expect(stranger.why()).toBe(
      `the miner has no place for this host: the hosts file of this miner does not name key ${keyOf('stranger')}`,
    );
    expect(reasons(at)).toEqual([`the hosts file of this miner does not name key ${keyOf('stranger')}`]);
    expect(at.hosts.under([SET]).slots).toEqual([]);
  });

  test('a revoked key, at once when it is connected', async () => {
    const at = await miner([entry('a', 'old', true), entry('a', 'new')]);
    const old = host('a', at.port, { key: 'old' });
    await until(() => old.why() !== undefined);
    expect(old.why()).toContain('the key of a is revoked');
    const now = host('a', at.port, { key: 'new' });
    await until(() => now.isConnected());
    at.entries = [entry('a', 'old', true), entry('a', 'new', true)];
    clock.advance(5_000);
    await until(() => now.why() !== undefined);
    expect(now.why()).toContain('does not name this key for a any more');
    // not for the minute that one has whose line broke
    expect(at.slots().map((slot) => slot.rests?.())).toEqual(['the hosts file names no key of a any more']);
  });

  test('strangers with ever new keys fill neither the log nor the place of those that are named', async () => {
    const at = await miner([entry('old', 'old', true)]);
    const meet = (key: Uint8Array) => {
      const [, far] = slowLine(clock, () => 0);
      return at.hosts.meet(far, { key, address: '10.0.0.9:1' });
    };
    await meet(fromHex(keyOf('old')));
    for (let i = 0; i < 100; i++) await meet(bytes32(`stranger ${i}`));
    const said = at.lines.filter(({ msg }) => msg === 'a host was rejected');
    expect(said).toHaveLength(101);
    expect(said.filter(({ level }) => level === 'warn')).toHaveLength(2);
    const kept = at.hosts.status().rejected;
    expect(kept).toHaveLength(32);
    expect(kept.map(({ key }) => key)).toContain(keyOf('old'));
  });

  test('a tag that is not the one of its key', async () => {
    const at = await miner([entry('a'), entry('b')]);
    const wrong = host('b', at.port, { key: 'a' });
    await until(() => wrong.why() !== undefined);
    expect(wrong.why()).toContain('this key is for worker a, not b');
    expect(reasons(at)).toEqual(['this key is for worker a, not b']);
  });

  test('one for whose slots there is no index left', async () => {
    const indices = Array.from({ length: HOST_LIMITS.indices }, (_, i) => ({
      worker: 'gone',
      number: i,
      index: 64 + i,
    }));
    const at = await miner([entry('a')], { indices });
    const a = host('a', at.port);
    await until(() => a.why() !== undefined);
    expect(a.why()).toContain('slots of hosts: 4097 had an index so far, at most 4096 may');
    expect(at.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('a second process with the key of one that answers', async () => {
    const at = await miner([entry('a')]);
    const first = host('a', at.port, { seed: 'first' });
    await until(() => at.claimed().length === 1);
    const second = host('a', at.port, { seed: 'second' });
    await until(() => second.why() !== undefined);
    expect(second.why()).toMatch(/worker a is connected already, from 127\.0\.0\.1:\d+, as another process/);
    expect(first.isConnected()).toBe(true);
    expect(at.claimed()).toHaveLength(1);
  });

  test('a miner with another key than the one it was told, before it was sent anything', async () => {
    const at = await miner([entry('a')], { name: 'somebody else' });
    const a = host('a', at.port);
    await until(() => a.why() !== undefined);
    expect(a.why()).toContain('another key than --miner-key answers there');
    expect(reasons(at)).toEqual([]);
  });
});

describe('a flood of connections', () => {
  test('before they say who they are is bounded, and a host that is connected does not feel it', async () => {
    const at = await miner([entry('a')]);
    const a = host('a', at.port);
    await until(() => at.claimed().length === 1);
    const sockets: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 200; i++) {
      const socket = connect(at.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.once('close', () => closed++);
      socket.write(utf8('GET / HTTP/1.1\r\n\r\n'));
      sockets.push(socket);
    }
    await until(() => closed >= 200 - HOST_LIMITS.strangersPerAddress);
    const proving = await at.claimed()[0]!.start(JOB, new AbortController().signal);
    expect(toHex(proving.commit)).toBe(toHex(JOB.seed));
    expect(a.isConnected()).toBe(true);
    for (const socket of sockets) socket.destroy();
  });

  test('that stay silent is bounded, too', async () => {
    const at = await miner([entry('a')]);
    let closed = 0;
    const sockets = Array.from({ length: 100 }, () => {
      clock.advance(300); // within the rate: what bounds them is how many there are
      const socket = connect(at.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.once('close', () => closed++);
      return socket;
    });
    await until(() => closed >= 100 - HOST_LIMITS.strangersPerAddress);
    expect(closed).toBeLessThanOrEqual(100);
    for (const socket of sockets) socket.destroy();
  });
});
