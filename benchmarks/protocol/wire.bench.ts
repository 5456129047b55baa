// Signed calls and frames a second between two processes on loopback, against sr25519 on every message in the same run.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import { readyKeys, verifySignature } from '../../src/keys/keypair.js';
import { systemClock } from '../../src/model/clock.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { systemRandom } from '../../src/model/prng.js';
import { dial } from '../../src/protocol/dial.js';
import { readEnvelope, seal } from '../../src/protocol/envelope.js';
import { FrameSchema, type Signed } from '../../src/protocol/gen/assay/v1/miner_pb.js';
import { createGrpcWire } from '../../src/protocol/grpc/wire.js';
import { BENCH_LIMITS, cpuUs, devKeypairs, NETUID } from './server.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

interface Measured {
  readonly perSecond: number;
  /** of the busier process: its inverse is what free cores would give */
  readonly cpuUs: number;
}

const IN_FLIGHT = 64;
/** On one connection the two processes take turns: each waits while the other works through what just arrived. */
const CONNECTIONS = [1, 2] as const;
/** Of each kind, for ours and the baseline alike; as many go before, uncounted: the first seconds are the compiler's. */
const CALLS = 10_000;
const wire = () => createGrpcWire({ clock: systemClock, limits: BENCH_LIMITS });

interface Child {
  readonly port: number;
  cpuUs(): Promise<number>;
}

async function withServer<T>(mode: string, run: (child: Child) => Promise<T>): Promise<T> {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./server.ts', import.meta.url)),
    ['--serve', mode],
    { execArgv: ['--import', 'tsx'] },
  );
  const next = async () => ((await once(child, 'message')) as [number])[0];
  const port = await next();
  try {
    return await run({
      port,
      cpuUs: () => {
        child.send('cpu');
        return next();
      },
    });
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
}

/** `one(lane)` over and over in every lane until `total` are done. */
async function measure(
  child: Child,
  total: number,
  one: (lane: number) => Promise<unknown>,
): Promise<Measured> {
  const run = (count: number): Promise<unknown> => {
    let left = count;
    return Promise.all(
      Array.from({ length: IN_FLIGHT }, async (_, lane) => {
        while (left-- > 0) await one(lane);
      }),
    );
  };
  await run(total);
  const [there, here, start] = [await child.cpuUs(), cpuUs(), performance.now()];
  await run(total);
  const seconds = (performance.now() - start) / 1000;
  const busier = Math.max(cpuUs() - here, (await child.cpuUs()) - there);
  return { perSecond: total / seconds, cpuUs: busier / total };
}

async function sessionKeys(
  child: Child,
  calls: number,
  connections: number,
): Promise<{ calls: Measured; exchanges: Measured }> {
  const connect = () =>
    dial(
      {
        wire: wire(),
        keypair: devKeypairs.validator(),
        clock: systemClock,
        log: silentLog,
        random: systemRandom,
      },
      {
        address: { host: '127.0.0.1', port: child.port },
        hotkey: toHotkey(devKeypairs.miner().address),
        netuid: NETUID,
        limits: BENCH_LIMITS,
      },
    );
  const peers = Array.from({ length: connections }, connect);
  const of = (lane: number) => peers[lane % peers.length]!;
  const unary = await measure(child, calls, (lane) => of(lane).describe());
  const sessions = Array.from({ length: IN_FLIGHT }, (_, lane) => of(lane).prove());
  const body = new Uint8Array(200);
  const exchanges = await measure(child, calls, async (lane) => {
    await sessions[lane]!.send({ case: 'open', value: { body } });
    await sessions[lane]!.receive();
  });
  for (const peer of peers) peer.close();
  return { calls: unary, exchanges };
}

async function sr25519(
  child: Child,
  calls: number,
  connections: number,
): Promise<{ calls: Measured; exchanges: Measured }> {
  const validator = devKeypairs.validator();
  const miner = devKeypairs.miner();
  const channels = Array.from({ length: connections }, () =>
    wire().connect({ host: '127.0.0.1', port: child.port }),
  );
  const of = (lane: number) => channels[lane % channels.length]!;
  const request = (
    method: 'describe' | 'prove',
    callId: Uint8Array,
    sequence: number,
    body: Uint8Array,
  ): Signed => {
    const sentAt = Date.now();
    return seal(
      {
        direction: 'request',
        method,
        netuid: NETUID,
        sender: validator.publicKey,
        receiver: miner.publicKey,
        callId,
        sequence,
        sentAt,
        expiresAt: sentAt + 30_000,
      },
      body,
      validator.sign,
    );
  };
  const check = (
    message: Signed,
    method: 'describe' | 'prove',
    callId: Uint8Array,
    sequence: number,
  ): void => {
    const expected = { method, netuid: NETUID, callId, sequence, sender: miner.publicKey };
    readEnvelope(message, { ...expected, direction: 'response', receiver: validator.publicKey });
    if (!verifySignature(message.signature, message.header, miner.publicKey))
      throw new Error('bad signature');
  };
  const unary = await measure(child, calls, async (lane) => {
    const callId = Uint8Array.from(systemRandom.bytes(16));
    const { message } = await of(lane).describe(request('describe', callId, 0, new Uint8Array()), 30_000);
    check(message, 'describe', callId, 0);
  });
  const lanes = Array.from({ length: IN_FLIGHT }, (_, lane) => ({
    stream: of(lane).prove(),
    callId: Uint8Array.from(systemRandom.bytes(16)),
    sequence: 0,
  }));
  const open = { case: 'open', value: { body: new Uint8Array(200) } } as const;
  const exchanges = await measure(child, calls, async (n) => {
    const lane = lanes[n]!;
    const body = toBinary(FrameSchema, create(FrameSchema, { body: open }));
    await lane.stream.send(request('prove', lane.callId, lane.sequence, body));
    const got = await lane.stream.receive();
    check(got!.message, 'prove', lane.callId, lane.sequence++);
  });
  for (const channel of channels) channel.close();
  return { calls: unary, exchanges };
}

export default async function (emit: Emit): Promise<void> {
  await readyKeys();
  for (const connections of CONNECTIONS) {
    const ours = await withServer('session-keys', (child) => sessionKeys(child, CALLS, connections));
    const base = await withServer('sr25519', (child) => sr25519(child, CALLS, connections));
    report(emit, connections, ours, base);
  }
}

type Flavour = { readonly calls: Measured; readonly exchanges: Measured };

function report(emit: Emit, connections: number, ours: Flavour, base: Flavour): void {
  const bench = `signed messages, 2 processes, connections: ${connections}, 64 in flight; baseline: sr25519 on every message`;
  const rows = [
    ['unary calls', 'calls/s', 1, ours.calls, base.calls],
    ['stream frames', 'frames/s', 2, ours.exchanges, base.exchanges], // an exchange is a frame each way
  ] as const;
  for (const [what, unit, each, value, baseline] of rows) {
    const both = (metric: string, of: (m: Measured) => number, unit: string) =>
      emit({ bench, metric: `${what}: ${metric}`, value: of(value), unit, baseline: of(baseline) });
    both('measured', (m) => Math.round(each * m.perSecond), unit);
    both('CPU of the busier process', (m) => Number((m.cpuUs / each).toFixed(1)), 'us');
    both('if that process had a core of its own', (m) => Math.round((each * 1e6) / m.cpuUs), unit);
    emit({
      bench,
      metric: `${what}: ratio to baseline`,
      value: Number((value.perSecond / baseline.perSecond).toFixed(2)),
      unit: 'x',
      baseline: 1,
    });
  }
}
