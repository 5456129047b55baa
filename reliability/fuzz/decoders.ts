// Owns: everything here that reads bytes of others, called directly, each with good bytes to begin from. Does not own: how those are changed
// (mutate.ts), ports (ports.ts), what must come of it (soak.ts).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { create, toBinary } from '@bufbuild/protobuf';
import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { toVersionRef } from '../../src/chain/subtensor/connection-api.js';
import { headerNumber } from '../../src/chain/subtensor/header-number.js';
import { loadConfig, minerSchema, validatorSchema } from '../../src/cli/config.js';
import { devKeypair } from '../../src/keys/index.js';
import { parseStatements } from '../../src/miner/declarations.js';
import { createHosts, HOST_FORMAT } from '../../src/miner/hosts/hosts.js';
import { parseHostsFile } from '../../src/miner/hosts/hosts-file.js';
import { parseLeases } from '../../src/miner/leases.js';
import { concat, toHex, u32le, utf8 } from '../../src/model/bytes.js';
import { canonicalJson } from '../../src/model/canonical-json.js';
import type { Clock } from '../../src/model/clock.js';
import { sha256 } from '../../src/model/hash.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { Outcome } from '../../src/model/outcome.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { accepted } from '../../src/model/verdict.js';
import { createSessionKeys, decodeCertificate, PLAINTEXT_CHANNEL } from '../../src/protocol/certificate.js';
import { decode, decodeSigned, encodeSigned } from '../../src/protocol/codec.js';
import { decodeEchoRequest, encodeEchoRequest } from '../../src/protocol/echo/codec.js';
import { readEnvelope, seal } from '../../src/protocol/envelope.js';
import { HostFrameSchema } from '../../src/protocol/gen/assay/v1/hosts_pb.js';
import {
  DescribeRequestSchema,
  DescribeResponseSchema,
  FrameSchema,
  type Signed,
} from '../../src/protocol/gen/assay/v1/miner_pb.js';
import { readHostFacts, signHostFacts } from '../../src/protocol/host-facts.js';
import { toLimits } from '../../src/protocol/limits.js';
import { readMaintenance, signMaintenance } from '../../src/protocol/maintenance.js';
import { readPolicy } from '../../src/scoring/policy.js';
import { ownersFiles } from '../../src/testing/demo-policy.js';
import { encodeOutcome, RECORD } from '../../src/validator/ledger/codec.js';
import { LEDGER_VERSION, toPlainJson } from '../../src/validator/ledger/entries.js';
import { createFrames, FIRST_LINK } from '../../src/validator/ledger/frames.js';
import { readSegment } from '../../src/validator/ledger/segment.js';
import { authorizationOf, EVIDENCE_PATH, whyRefused } from '../../src/validator/queue/evidence-request.js';
import {
  BUILD,
  type Job,
  jobDigest,
  openEnd,
  openJob,
  type Stamp,
  sealEnd,
  sealJob,
} from '../../src/validator/queue/job.js';
import { queueMark, toQueueKey } from '../../src/validator/queue/queue-key.js';
import { parseRedisUrl } from '../../src/validator/queue/redis-address.js';
import { kinds } from '../../src/verification/kinds/index.js';
import { readParameterFile } from '../../src/verification/parameter-file.js';
import { decodePublication, encodePublication } from '../../src/verification/publication.js';
import type { Form } from './mutate.js';

/** What reads bytes of others. */
export interface Reader {
  readonly name: string;
  readonly form: Form;
  /** what is signed for a time is made anew each time that it is asked for */
  readonly samples: readonly Uint8Array[];
  /** of all inputs, against the others' */
  readonly share: number;
  /** over a socket, whose other end may wait for more. @default false */
  readonly isPort?: boolean;
  /** Throws an AssayError, or rejects with one, for what it refuses; whatever else it throws is a fault. */
  read(bytes: Uint8Array): unknown;
}

export const NETUID = 7;
const GENESIS = new Uint8Array(32).fill(0xab);
const bytes32 = (name: string): Uint8Array => Uint8Array.from(sha256(utf8(name)));
const json = (bytes: Uint8Array, revive?: (key: string, value: unknown) => unknown): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString(), revive);
  } catch {
    return undefined; // what reads values is tried with values
  }
};

/** @param dir for what is read from files */
export function createDecoders(dir: string): readonly Reader[] {
  return [...wire(), ...statements(), ...hosts(), ...queue(), ...chain(), ...files(dir), ...ledger(dir)];
}

/** Bodies of the public port, good ones. */
export const DESCRIBES: readonly Uint8Array[] = [
  { contentDigest: new Uint8Array() },
  { contentDigest: bytes32('file') },
  { contentDigest: bytes32('file'), contentOffset: 512n },
].map((value) => toBinary(DescribeRequestSchema, create(DescribeRequestSchema, value)));

const start = { nonce: bytes32('nonce').slice(0, 16), salt: bytes32('salt'), beacon: bytes32('beacon') };
export const FRAMES: readonly Uint8Array[] = [
  {
    body: {
      case: 'arm' as const,
      value: {
        eventId: bytes32('event'),
        eventBlock: 12n,
        slot: 1,
        kind: 'compute',
        paramsId: bytes32('params'),
        basis: bytes32('basis'),
        nonceCommitment: bytes32('nonce'),
        passCommitment: bytes32('pass'),
        holdFirst: 3,
        holdLast: 9,
      },
    },
  },
  { body: { case: 'ready' as const, value: { body: bytes32('offer') } } },
  { body: { case: 'go' as const, value: start } },
  { body: { case: 'pass' as const, value: start } },
  { body: { case: 'commit' as const, value: { nonces: [start.nonce], body: bytes32('root'), phase: 1 } } },
  { body: { case: 'open' as const, value: { body: bytes32('samples') } } },
  { body: { case: 'opening' as const, value: { piece: 1, last: true, data: bytes32('piece') } } },
  { body: { case: 'refusal' as const, value: { code: 2, detail: 'busy' } } },
  { body: { case: 'receipt' as const, value: { outcomeId: 'ab'.repeat(16), slot: 1 } } },
].map((value) => toBinary(FrameSchema, create(FrameSchema, value)));

const NOW = 1_700_000_000_000;

/** Signed by a validator that may come in, under a certificate that it made when asked first. */
export function signerOf(
  clock: Clock,
  seed: string,
): (body: Uint8Array, method: 'describe' | 'prove', sequence?: number) => Signed {
  const [validator, miner] = [devKeypair('validator'), devKeypair('miner')];
  const random = createSeededRandom(seed);
  const keyOf = createSessionKeys(
    { keypair: validator, clock, random, limits: toLimits() },
    { peer: miner.publicKey, netuid: NETUID, channel: PLAINTEXT_CHANNEL },
  );
  return (body, method, sequence = 0) => {
    const key = keyOf();
    const sentAt = Math.floor(clock.now());
    return seal(
      {
        direction: 'request',
        method,
        netuid: NETUID,
        sender: validator.publicKey,
        receiver: miner.publicKey,
        callId: random.bytes(16),
        sequence,
        sentAt,
        expiresAt: sentAt + 30_000,
      },
      body,
      key.sign,
      key.certificate,
    );
  };
}

function wire(): Reader[] {
  const sign = signerOf({ now: () => NOW, monotonic: () => 0, sleep: untilAborted }, 'fuzz');
  const miner = devKeypair('miner');
  const messages = [
    ...DESCRIBES.map((body) => sign(body, 'describe')),
    ...FRAMES.map((body) => sign(body, 'prove')),
  ];
  const signed = messages.map(encodeSigned);
  const described = toBinary(
    DescribeResponseSchema,
    create(DescribeResponseSchema, {
      version: '1',
      kinds: ['compute'],
      slots: [{ index: 1, worker: 'host-1', kind: 'compute', paramsId: bytes32('params'), leased: false }],
      maintenance: [bytes32('statement')],
      hostFacts: bytes32('facts'),
    }),
  );
  const expect = { direction: 'request', netuid: NETUID, receiver: miner.publicKey, sequence: 0 } as const;
  return [
    {
      name: 'signed calls and frames',
      form: 'protobuf',
      samples: signed,
      share: 20,
      read(bytes) {
        const message = decodeSigned(bytes);
        readEnvelope(message, { ...expect, method: 'describe' });
        decode(DescribeRequestSchema, message.body, 'describe-request');
      },
    },
    {
      name: 'certificates',
      form: 'bytes',
      samples: messages.map(({ certificate }) => certificate),
      share: 5,
      read: decodeCertificate,
    },
    {
      name: 'frames of a session',
      form: 'protobuf',
      samples: FRAMES,
      share: 15,
      read: (bytes) => decode(FrameSchema, bytes, 'frame'),
    },
    {
      name: 'answers to Describe',
      form: 'protobuf',
      samples: [described],
      share: 5,
      read: (bytes) => decode(DescribeResponseSchema, bytes, 'describe-response'),
    },
    {
      name: 'requests for an echo',
      form: 'bytes',
      samples: [
        encodeEchoRequest(devKeypair('validator'), {
          netuid: NETUID,
          miner: miner.publicKey,
          nonce: start.nonce,
          transport: 'tcp',
          port: 9,
          callbackPort: 0,
          expiresAt: NOW,
        }),
      ],
      share: 5,
      read: decodeEchoRequest,
    },
  ];
}

function statements(): Reader[] {
  const miner = devKeypair('miner');
  const declared = signMaintenance(miner, {
    genesis: GENESIS,
    netuid: NETUID,
    serial: 1,
    fromBlock: 100,
    untilBlock: 200,
    workers: ['host-1', 'host-2'],
  });
  const facts = signHostFacts(miner, {
    genesis: GENESIS,
    netuid: NETUID,
    block: 9,
    hosts: [{ worker: 'host-1', facts: { at: NOW, kernel: '6.1', openPorts: [22] } }],
  });
  const { policy, parameters } = owners();
  return [
    {
      name: 'statements of maintenance',
      form: 'bytes',
      samples: [declared],
      share: 5,
      read: readMaintenance,
    },
    {
      name: "a miner's facts about hosts",
      form: 'json',
      samples: [facts],
      share: 1, // each that parses costs a check of its signature
      read: (bytes) => readHostFacts(bytes, { genesis: GENESIS, netuid: NETUID, hotkey: miner.publicKey }),
    },
    {
      name: 'files of parameters',
      form: 'json',
      samples: [parameters],
      share: 1,
      read: (bytes) => readParameterFile(bytes, kinds),
    },
    {
      name: 'scoring policies',
      form: 'json',
      samples: [policy],
      share: 3,
      read: (bytes) => readPolicy(bytes),
    },
    {
      name: "an owner's publications",
      form: 'bytes',
      samples: [
        encodePublication({
          parameters: bytes32('a'),
          previous: bytes32('b'),
          policy: bytes32('c'),
          firstEpoch: 3,
          versionKey: 1n,
        }),
      ],
      share: 5,
      read: decodePublication,
    },
  ];
}

function owners(): { readonly policy: Uint8Array; readonly parameters: Uint8Array } {
  const { files, policyDigest } = ownersFiles();
  const policy = files.get(policyDigest)!; // its own digest
  const [parameters] = [...files.values()].filter((bytes) => bytes !== policy);
  return { policy, parameters: parameters! }; // the other of two
}

/** A miner that one host has a place at, over streams that hold what they were given and end. */
function hosts(): Reader[] {
  const key = devKeypair('validator').publicKey;
  const frame = (body: Parameters<typeof create<typeof HostFrameSchema>>[1]): Uint8Array =>
    toBinary(HostFrameSchema, create(HostFrameSchema, body));
  const framed = (bytes: Uint8Array): Uint8Array => concat(u32le(bytes.length), bytes);
  const hello = frame({
    body: {
      case: 'hello',
      value: {
        format: HOST_FORMAT,
        version: '1',
        worker: 'host-1',
        instance: bytes32('instance').slice(0, 16),
        slots: [
          { number: 0, kind: 'compute', className: 'cpu' },
          { number: 1, kind: 'storage', className: 'disk' },
        ],
      },
    },
  });
  const answers = [
    frame({ body: { case: 'pong', value: { id: 0 } } }),
    frame({ body: { case: 'done', value: { call: 0, body: bytes32('done') } } }),
    frame({ body: { case: 'piece', value: { call: 0, data: bytes32('piece'), last: true } } }),
    frame({ body: { case: 'failed', value: { call: 0, why: 'busy' } } }),
    frame({ body: { case: 'ping', value: { id: 7 } } }),
    hello,
  ];
  let failed: unknown;
  const door = createHosts({
    clock: { now: () => NOW, monotonic: () => 0, sleep: untilAborted },
    log: {
      ...silentLog,
      error(_, data) {
        failed = data?.error;
      },
    },
    kinds,
    indices: { read: async () => [], write: async () => {} },
    readHosts: async () => [{ worker: 'host-1', key: toHex(key), revoked: false }],
  });
  const meet = async (bytes: Uint8Array): Promise<void> => {
    failed = undefined;
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const over = (await door).meet(stream, { key, address: '127.0.0.1' });
    stream.push(bytes);
    stream.push(null);
    await over;
    stream.destroy();
    if (failed !== undefined) throw failed;
  };
  return [
    {
      name: "hosts' first frames",
      form: 'protobuf',
      samples: [hello],
      share: 2,
      read: (bytes) => meet(framed(bytes)),
    },
    {
      name: "hosts' frames",
      form: 'protobuf',
      samples: answers,
      share: 2,
      read: (bytes) => meet(concat(framed(hello), framed(bytes))),
    },
    {
      name: "hosts' streams",
      form: 'bytes',
      samples: [concat(...[hello, ...answers].map(framed))],
      share: 1,
      read: meet,
    },
  ];
}

const untilAborted = (_ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });

const BYTES = 'bytes:';
/** Bytes as a text that can be changed and read again. */
const bytesAsText = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? BYTES + toHex(value) : value;
const textAsBytes = (_: string, value: unknown): unknown =>
  typeof value === 'string' && value.startsWith(BYTES)
    ? Buffer.from(value.slice(BYTES.length), 'hex')
    : value;

const KEY = toQueueKey(new Uint8Array(32).fill(7));

function queue(): Reader[] {
  const hotkey = toHotkey(devKeypair('validator').address);
  const stamp: Stamp = { deployment: { genesis: toHex(GENESIS), netuid: NETUID, hotkey }, build: BUILD };
  const params = { rows: 2 };
  const job: Job = {
    id: 'ab'.repeat(16),
    priority: 'session',
    event: toHex(bytes32('event')),
    from: hotkey,
    kind: 'compute',
    paramsId: toHex(bytes32(canonicalJson(params))),
    params,
    basis: bytes32('basis'),
    seed: bytes32('seed'),
    commits: [bytes32('commit')],
    request: utf8('request'),
    opening: { digest: bytes32('opening'), bytes: 256 },
  };
  const sealed = sealJob(KEY, stamp, job);
  const ends = [
    { kind: 'done', verdict: accepted },
    { kind: 'set-aside', reason: 'poison', detail: 'twice' },
  ] as const;
  const sealedEnds = ends.map((end) => sealEnd(KEY, stamp, { id: job.id, digest: jobDigest(sealed), end }));
  // marked again: what is behind the mark must hold, too
  const HEAD = 33;
  const marked = (what: 'job' | 'end', body: Uint8Array): Uint8Array =>
    concat(Uint8Array.of(1), queueMark(KEY, `assay/queue/${what}`, Uint8Array.of(1), body), body);
  const packr = new Packr({ useRecords: false, mapsAsObjects: true });
  const repacked = (bytes: Uint8Array): Uint8Array => packr.pack(json(bytes, textAsBytes));
  const plain = utf8(JSON.stringify(packr.unpack(sealed.subarray(HEAD)), bytesAsText));
  const path = `${EVIDENCE_PATH}${'ab'.repeat(32)}`;
  return [
    { name: 'jobs', form: 'bytes', samples: [sealed], share: 4, read: (bytes) => openJob(KEY, bytes) },
    {
      name: 'ends of jobs',
      form: 'bytes',
      samples: sealedEnds,
      share: 4,
      read: (bytes) => openEnd(KEY, bytes),
    },
    {
      name: 'jobs under the right mark',
      form: 'bytes',
      samples: [sealed.subarray(HEAD)],
      share: 4,
      read: (bytes) => openJob(KEY, marked('job', bytes)),
    },
    {
      name: 'jobs of other values under the right mark',
      form: 'json',
      samples: [plain],
      share: 2,
      read: (bytes) => openJob(KEY, marked('job', repacked(bytes))),
    },
    {
      name: 'ends of jobs under the right mark',
      form: 'bytes',
      samples: sealedEnds.map((bytes) => bytes.subarray(HEAD)),
      share: 4,
      read: (bytes) => openEnd(KEY, marked('end', bytes)),
    },
    {
      name: 'marks of requests for evidence',
      form: 'bytes',
      samples: [utf8(authorizationOf(KEY, path, NOW))],
      share: 4,
      read: (bytes) =>
        whyRefused(KEY, { path, authorization: Buffer.from(bytes).toString('latin1'), nowMs: NOW }),
    },
    {
      name: 'addresses of Redis',
      form: 'bytes',
      samples: [utf8('redis://name:secret@127.0.0.1:6379/2'), utf8('rediss://:%41@[::1]')],
      share: 2,
      read: (bytes) => parseRedisUrl(Buffer.from(bytes).toString()),
    },
  ];
}

function chain(): Reader[] {
  const header = {
    parentHash: `0x${'00'.repeat(32)}`,
    number: '0x2a',
    stateRoot: `0x${'11'.repeat(32)}`,
    digest: { logs: ['0x06'] },
  };
  const version = {
    specName: 'node-subtensor',
    specVersion: 424,
    transactionVersion: 1,
    apis: [['0x37', 2]],
  };
  return [
    {
      name: "headers of a chain's node",
      form: 'json',
      samples: [utf8(JSON.stringify(header))],
      share: 2,
      read: (bytes) => headerNumber(json(bytes)),
    },
    {
      name: "versions of a chain's runtime",
      form: 'json',
      samples: [utf8(JSON.stringify(version))],
      share: 2,
      read: (bytes) => toVersionRef(json(bytes)),
    },
  ];
}

/** What an operator writes, or a command for them. */
function files(dir: string): Reader[] {
  const path = join(dir, 'config.json');
  const config = (role: string, schema: z.ZodObject, own: object): Reader => ({
    name: `files of configuration of a ${role}`,
    form: 'json',
    samples: [
      utf8(
        JSON.stringify({
          formatVersion: 1,
          data: '/d',
          role,
          chain: 'ws://127.0.0.1:9944',
          netuid: 3,
          ...own,
        }),
      ),
    ],
    share: 1,
    read(bytes) {
      writeFileSync(path, bytes);
      loadConfig(schema, { config: path }, {});
    },
  });
  const declared = signMaintenance(devKeypair('miner'), {
    genesis: GENESIS,
    netuid: NETUID,
    serial: 1,
    fromBlock: 100,
    untilBlock: 200,
    workers: [],
  });
  return [
    config('validator', validatorSchema, { hotkey: '//Alice', eventsPerEpoch: 4, verifierThreads: 2 }),
    config('miner', minerSchema, { hotkey: '//Bob', port: 0, rotateServerKeyDays: 3 }),
    {
      name: 'files of hosts',
      form: 'json',
      samples: [
        utf8(JSON.stringify({ hosts: [{ worker: 'a', key: toHex(devKeypair('miner').publicKey) }] })),
      ],
      share: 1,
      read: (bytes) => parseHostsFile(json(bytes), { what: 'hosts', own: 'own' }),
    },
    {
      name: 'files of leases',
      form: 'json',
      samples: [utf8(JSON.stringify({ leases: [{ slot: 1, untilMs: NOW }, { slot: 2 }] }))],
      share: 2,
      read: (bytes) => parseLeases(json(bytes), 'leases'),
    },
    {
      name: 'files of declarations',
      form: 'json',
      samples: [utf8(JSON.stringify({ declarations: [toHex(declared)] }))],
      share: 2,
      read: (bytes) => parseStatements(json(bytes), 'declarations'),
    },
  ];
}

/** Segments: bytes as they lie on a disk, and entries of any value in frames that hold. */
function ledger(dir: string): Reader[] {
  const path = join(dir, 'segment.seg');
  const hotkey = toHotkey(devKeypair('validator').address);
  const header = toPlainJson({
    type: 'segment',
    version: LEDGER_VERSION,
    epoch: 4,
    genesis: GENESIS,
    netuid: NETUID,
    hotkey,
    link: FIRST_LINK,
    records: 0,
  });
  const framesOf = (...records: readonly (readonly [type: number, body: Uint8Array])[]): Uint8Array => {
    const frames = createFrames(FIRST_LINK);
    for (const [type, body] of records) frames.add(type, body);
    return frames.seal().bytes;
  };
  const weights = { type: 'weights', epoch: 4, block: 9, row: [[1, 65_535]] };
  const closed = {
    type: 'closed',
    epoch: 4,
    records: 2,
    link: toHex(FIRST_LINK),
    signature: 'ab'.repeat(64),
  };
  const read = (bytes: Uint8Array, isLast: boolean): void => {
    writeFileSync(path, bytes);
    const outcome = (at: { outcome(): unknown; evidence(): unknown }) => void [at.outcome(), at.evidence()];
    for (const _ of readSegment(path, { isLast }, { outcome, entry: () => {} }));
  };
  const names: string[] = [];
  const nameOf = (name: string): number =>
    names.includes(name) ? names.indexOf(name) : names.push(name) - 1;
  const outcome: Outcome = {
    id: 'ab'.repeat(16),
    event: toHex(bytes32('event')),
    eventBlock: 12,
    epoch: 4,
    netuid: NETUID,
    validator: hotkey,
    miner: hotkey,
    kind: 'compute',
    paramsId: toHex(bytes32('params')),
    slot: 0,
    verdict: accepted,
    measuredMs: 1500.25,
    ownDelayMs: 0.5,
    credit: { opsPerS: 10 },
    share: 0.5,
    at: NOW,
  };
  const recorded = encodeOutcome(
    { outcome, evidence: { digest: bytes32('evidence'), offset: 0, length: 9 } },
    nameOf,
  );
  const before: [number, Uint8Array][] = [
    [RECORD.entry, utf8(header)],
    ...names.map((name): [number, Uint8Array] => [RECORD.name, utf8(name)]),
  ];
  const good = framesOf(...before, [RECORD.outcome, recorded]);
  return [
    {
      name: 'segments of a ledger',
      form: 'bytes',
      samples: [good],
      share: 2,
      read: (bytes) => read(bytes, bytes.length % 2 === 0),
    },
    {
      name: 'entries of a ledger',
      form: 'json',
      samples: [closed, weights].map((value) => utf8(JSON.stringify(value))),
      share: 2,
      read: (bytes) => read(framesOf([RECORD.entry, utf8(header)], [RECORD.entry, bytes]), true),
    },
    {
      name: 'headers of a ledger',
      form: 'json',
      samples: [utf8(header)],
      share: 1,
      read: (bytes) => read(framesOf([RECORD.entry, bytes]), true),
    },
    {
      name: 'outcomes of a ledger',
      form: 'bytes',
      samples: [recorded],
      share: 2,
      read: (bytes) => read(framesOf(...before, [RECORD.outcome, bytes]), true),
    },
  ];
}
