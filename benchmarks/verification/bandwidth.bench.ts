// What the bandwidth proof costs each side at 3.75 GB moved, and what it costs to move them. Baselines: the
// receiver's own work, which a validator would do that had all of it sent to itself; and the same bytes through gRPC streaming.
import * as grpc from '@grpc/grpc-js';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { contentOf, digestLeaves, LEAF_BYTES } from '../../src/compute/spec/link.js';
import { openTcpLink } from '../../src/compute/tcp/link.js';
import { systemClock } from '../../src/model/clock.js';
import { ed25519FromSeed } from '../../src/model/ed25519.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { instantRound } from '../../src/testing/liars/bandwidth.js';
import { brief } from '../../src/verification/kinds/bandwidth/brief.js';
import { encodeOffer } from '../../src/verification/kinds/bandwidth/codec.js';
import { matchRound } from '../../src/verification/kinds/bandwidth/match.js';
import { paramsByClass, segmentBytes } from '../../src/verification/kinds/bandwidth/params.js';
import { bandwidthProof } from '../../src/verification/kinds/index.js';
import { NoSecret } from '../../src/verification/no-secret.js';
import { UNHURRIED } from '../../src/verification/proof.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const random = createSeededRandom('benchmark');

export default async function bench(emit: Emit): Promise<void> {
  await measureProof(emit);
  await measureRound(emit);
  await measureLink(emit);
}

/** 8 sources x 112 segments of 4 MiB: 3.76 GB. */
async function measureProof(emit: Emit): Promise<void> {
  const params = { ...paramsByClass('link-10g')!, maxSegments: 112 };
  const name = `bandwidth ${((params.sources * params.maxSegments * segmentBytes(params)) / 1e9).toFixed(2)} GB`;
  const round = instantRound(params, random);
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32), brief: round.brief };
  const { signal } = new AbortController();
  const devices = { compute: createReferenceCompute(), ...round.devices, ...UNHURRIED };
  const { value: proving, cpuMs: wholeMs } = await timed(() =>
    bandwidthProof.prove(devices, challenge, signal),
  );
  const commits = [proving.commit];
  const request = bandwidthProof.issue(params, commits, random, round.kept);
  const opened = await timed(() => proving.open(request));
  const evidence = { commits, request, opening: opened.value };
  const verify = () => {
    const verdict = bandwidthProof.verify(challenge, evidence, new NoSecret());
    if (verdict.kind !== 'accepted') throw new Error(`expected accepted, got ${JSON.stringify(verdict)}`);
  };
  for (let warm = 0; warm < 20; warm++) verify();
  emit({
    bench: name,
    metric: 'verify, CPU (limit 15; baseline: content, digests and trees of all of it)',
    value: await median(51, verify),
    unit: 'ms',
    baseline: wholeMs,
  });
  emit({ bench: name, metric: 'open, CPU', value: opened.cpuMs, unit: 'ms' });
  emit({ bench: name, metric: 'commit', value: proving.commit.length, unit: 'bytes' });
  emit({ bench: name, metric: 'opening', value: opened.value.length, unit: 'bytes' });
  emit({ bench: name, metric: 'brief', value: round.brief.length, unit: 'bytes' });
  const content = contentOf(random.bytes(32));
  const digests = new Uint8Array(32 * 64);
  const bytes = 64 * LEAF_BYTES;
  const each = (ms: number) => bytes / ms / 1000;
  emit({
    bench: 'bandwidth',
    metric: 'content',
    value: each(await median(201, () => content.next(bytes))),
    unit: 'MB/s',
  });
  const chunk = content.next(bytes);
  emit({
    bench: 'bandwidth',
    metric: 'digests of leaves',
    value: each(await median(201, () => digestLeaves(chunk, digests))),
    unit: 'MB/s',
  });
}

/** What a validator does at the Go, for all hosts at once. */
async function measureRound(emit: Emit): Promise<void> {
  const params = paramsByClass('link-1g')!;
  const linkKey = ed25519FromSeed(random.bytes(32)).publicKey;
  for (const hosts of [64, 256, 1024]) {
    const participants = Array.from({ length: hosts }, (_, i) => ({
      hotkey: random.bytes(32),
      coldkey: random.bytes(32),
      slot: 0,
      address: `${10 + (i >> 8)}.${i & 255}.0.1`,
      offer: encodeOffer({ port: 9000, linkKey }),
    }));
    const event = {
      eventId: random.bytes(32),
      beacon: random.bytes(32),
      validator: random.bytes(32),
      participants,
    };
    const listed = participants.map(({ address }, i) => ({ id: `${i}`, coldkey: `${i}`, address }));
    const bench = `bandwidth, ${hosts} hosts`;
    emit({
      bench,
      metric: 'draw',
      value: await median(5, () => matchRound(event.beacon, listed, params)),
      unit: 'ms',
    });
    emit({
      bench,
      metric: 'draw and tickets',
      value: await median(5, () => brief(params, event, random)),
      unit: 'ms',
    });
  }
}

const STREAM_BYTES = 1 << 29;

/** One stream, both ends in this process, by CPU time: what a busy machine leaves of the clock says nothing. */
async function measureLink(emit: Emit): Promise<void> {
  const stop = new AbortController();
  const params = paramsByClass('link-1g')!;
  const open = (byte: number) =>
    openTcpLink(
      { clock: systemClock, key: ed25519FromSeed(new Uint8Array(32).fill(byte)) },
      { host: '127.0.0.1', port: 0 },
      stop.signal,
    );
  const [source, receiver] = [await open(1), await open(2)];
  const shape = {
    segmentLeaves: params.segmentLeaves,
    maxSegments: STREAM_BYTES / segmentBytes(params),
    capBytesPerS: 1e12,
    forMs: 600_000,
  };
  const costs: number[] = [];
  for (let run = 0; run < 3; run++) {
    const [ticket, pass, key] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    source.serve([{ ticket, pass, key }], shape, stop.signal);
    const to = { ticket, pass, linkKey: source.offer.linkKey, host: '127.0.0.1', port: source.offer.port };
    const { cpuMs } = await timed(() => receiver.pull(to, shape, UNHURRIED, () => undefined, stop.signal));
    costs.push((cpuMs * 1e9) / STREAM_BYTES);
  }
  stop.abort();
  const bare: number[] = [];
  for (let run = 0; run < 3; run++) bare.push(await grpcCost());
  emit({
    bench: 'bandwidth',
    metric:
      'a GB over TCP, CPU of both ends, content, digests and trees included (baseline: gRPC, bytes alone)',
    value: costs.sort((a, b) => a - b)[1],
    unit: 'ms',
    baseline: bare.sort((a, b) => a - b)[1],
  });
}

/** Messages of 64 KiB that nobody makes and nobody looks at. */
async function grpcCost(): Promise<number> {
  const bytes = (value: Buffer) => value;
  const method = {
    path: '/bench/Stream',
    requestStream: false,
    responseStream: true,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } as const;
  const chunk = Buffer.alloc(1 << 16);
  const total = STREAM_BYTES / 4;
  const server = new grpc.Server();
  server.addService(
    { stream: method },
    {
      async stream(call: grpc.ServerWritableStream<Buffer, Buffer>) {
        for (let sent = 0; sent < total; sent += chunk.length)
          if (!call.write(chunk)) await new Promise((resolve) => call.once('drain', resolve));
        call.end();
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const Client = grpc.makeGenericClientConstructor({ stream: method }, 'bench');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const { cpuMs } = await timed(
    () =>
      new Promise<void>((resolve, reject) => {
        const call = client.makeServerStreamRequest(method.path, bytes, bytes, Buffer.alloc(0));
        call.on('data', () => {});
        call.on('error', reject);
        call.on('end', resolve);
      }),
  );
  client.close();
  server.forceShutdown();
  return (cpuMs * 1e9) / total;
}

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; cpuMs: number }> {
  const cpu = process.cpuUsage();
  const value = await run();
  const { user, system } = process.cpuUsage(cpu);
  return { value, cpuMs: (user + system) / 1000 };
}

/** CPU of all threads of the process. */
async function median(runs: number, run: () => unknown): Promise<number> {
  const costs: number[] = [];
  for (let i = 0; i < runs; i++) costs.push((await timed(async () => run())).cpuMs);
  return costs.sort((a, b) => a - b)[runs >> 1];
}
