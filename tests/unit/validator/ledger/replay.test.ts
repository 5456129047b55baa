import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { devKeypair, type Keypair, readyKeys } from '../../../../src/keys/keypair.js';
import { compare, concat, equals, toHex, utf8 } from '../../../../src/model/bytes.js';
import { canonicalJson } from '../../../../src/model/canonical-json.js';
import { creditShare } from '../../../../src/model/credit.js';
import { sha256 } from '../../../../src/model/hash.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../../src/model/verdict.js';
import { createSessionKeys, PLAINTEXT_CHANNEL } from '../../../../src/protocol/certificate.js';
import { seal } from '../../../../src/protocol/envelope.js';
import { verifyChain } from '../../../../src/protocol/evidence.js';
import { FrameSchema } from '../../../../src/protocol/gen/assay/v1/miner_pb.js';
import { DEFAULT_LIMITS, OPENING_PIECE_BYTES, SESSION_LIMITS } from '../../../../src/protocol/limits.js';
import type { FrameBody } from '../../../../src/protocol/session.js';
import type { ProofKinds } from '../../../../src/validator/assign.js';
import { isNonceSet } from '../../../../src/validator/dispatch.js';
import type { OutcomeEntry, SessionFrame } from '../../../../src/validator/ledger/entries.js';
import { type Ledger, openLedger } from '../../../../src/validator/ledger/ledger.js';
import { type Replay, replayOutcome } from '../../../../src/validator/ledger/replay.js';
import { type ReplayAllParts, replayAll } from '../../../../src/validator/ledger/replay-all.js';
import type { Verifiers } from '../../../../src/validator/verifiers.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import { computeProof } from '../../../../src/verification/kinds/compute/index.js';
import { defineProof, type ProofKind, UNHURRIED } from '../../../../src/verification/proof.js';
import { eventId, nonceCommitment, slotSeed } from '../../../../src/verification/seed.js';
import { bytes16, bytes32, clock, newFolder } from './folders.js';

interface EchoParams {
  readonly kind: 'echo';
  readonly bytes: number;
}
/** An opening of two pieces. */
const ECHO_PARAMS: EchoParams = { kind: 'echo', bytes: OPENING_PIECE_BYTES + 1000 };

/** The smallest proof: the commit is the hash of seed and opening, the opening is what the request asks for. */
const echo = defineProof<EchoParams, Uint8Array>({
  kind: 'echo',
  table: new Map([[toHex(paramsId(ECHO_PARAMS)), ECHO_PARAMS]]),
  facts: () => ({
    className: 'echo',
    phases: [{ from: 'go', withinMs: 2000 }],
    nominal: { opsPerS: 500 },
    goLeadMs: 1000,
    openingMs: 1000,
    localnetOnly: true,
  }),
  parseParams: (value) => value as EchoParams,
  limits: ({ bytes }) => ({ commitBytes: 32, openingBytes: bytes }),
  credit: (_params, [commit]) => (commit?.length === 32 ? { opsPerS: 500 } : undefined),
  issue: (_params, _commits, random) => random.bytes(8),
  drawSecret: (_params, _basis, random) => random.bytes(16),
  async prove(_parts, { params, seed }) {
    const labels = createSeededRandom(toHex(seed)).bytes(params.bytes);
    return { commit: sha256(seed, labels), open: async () => labels, release: () => {} };
  },
  verify({ seed }, { commits: [commit], opening }, secret) {
    if (secret.length !== 16) throw new TypeError('no secret of ours');
    return commit && equals(sha256(seed, opening), commit) ? accepted : rejected('seed');
  },
});

const PACED = [...computeProof.table].find(([, params]) => params.class === 'paced')!;
const CASES = [
  { kind: echo as ProofKind<unknown, unknown>, params: ECHO_PARAMS as object },
  { kind: computeProof as ProofKind<unknown, unknown>, params: PACED[1] as object },
];
const KINDS: ProofKinds = Object.fromEntries(CASES.map(({ kind }) => [kind.kind, kind]));

const NETUID = 2;
const BLOCK = 40;
const BASIS = bytes32('basis');
const BEACON = bytes32('beacon');
const NONCE = bytes16('nonce');
const SALT = bytes16('salt');
const EVENT = eventId({ netuid: NETUID, block: BLOCK, basis: BASIS });

interface Recording {
  readonly entry: OutcomeEntry;
  readonly params: object;
  readonly id: string;
}
interface Script {
  readonly nonces?: readonly Uint8Array[];
  readonly measuredMs?: number;
  /** changes what the miner commits to or opens before it signs */
  readonly commit?: (commit: Uint8Array) => Uint8Array;
  readonly opening?: (opening: Uint8Array) => Uint8Array;
  /** sends these instead of full pieces, `last` with the last; the validator stops at one that is too long or short */
  readonly pieces?: (opening: Uint8Array) => Uint8Array[];
  /** behind the Commit, as an unknown field */
  readonly padding?: number;
  readonly maxNonces?: number;
  readonly stopAfter?: 'arm' | 'go' | 'commit' | 'open' | 'half';
  readonly refused?: string;
  readonly openingAfterMs?: number;
}

/** A whole session as the protocol room signs it, with the verdict that the validator would have recorded. */
/** What the judge notes down for accepted work. */
function creditedFor(kind: ProofKind<unknown, unknown>, params: unknown, commit: Uint8Array) {
  const credit = kind.credit(params, [commit])!; // accepted: the commit is one
  return { credit, share: creditShare(credit, kind.facts(params).nominal) };
}

async function record(
  kind: ProofKind<unknown, unknown>,
  params: object,
  verdict: Verdict,
  script: Script = {},
): Promise<Recording> {
  const validator = devKeypair('validator');
  const miner = devKeypair('miner');
  const address = paramsId(params);
  const callId = bytes16('call');
  const ends = {
    validator: sender(validator, miner, 'request'),
    miner: sender(miner, validator, 'response'),
  };
  const frames: SessionFrame[] = [];
  const say = (from: 'validator' | 'miner', body: FrameBody, padding?: number) =>
    frames.push(ends[from].frame(body, padding));

  function sender(self: Keypair, peer: Keypair, direction: 'request' | 'response') {
    const random = createSeededRandom(self.address);
    const keys = createSessionKeys(
      { keypair: self, clock, random, limits: DEFAULT_LIMITS },
      { peer: peer.publicKey, netuid: NETUID, channel: PLAINTEXT_CHANNEL },
    )();
    let sequence = 0;
    return {
      certificate: keys.certificate,
      frame(body: FrameBody, padding = 0): SessionFrame {
        const sentAt = clock.now();
        const header = {
          direction,
          method: 'prove' as const,
          netuid: NETUID,
          sender: self.publicKey,
          receiver: peer.publicKey,
          callId,
          sequence: sequence++,
          sentAt,
          expiresAt: sentAt + DEFAULT_LIMITS.envelopeMs,
        };
        const known = toBinary(FrameSchema, create(FrameSchema, { body }));
        const message = padding > 0 ? concat(known, unknownField(padding)) : known;
        const { header: bytes, signature } = seal(header, message, keys.sign);
        const from = direction === 'request' ? 'validator' : 'miner';
        return { from, kind: body.case as SessionFrame['kind'], header: bytes, signature, body: message };
      },
    };
  }

  const nonces = script.nonces ?? [NONCE];
  const seed = slotSeed({
    beacon: BEACON,
    nonces,
    hotkey: miner.publicKey,
    worker: 'host-1',
    slot: 3,
    eventId: EVENT,
    paramsId: address,
  });
  const proving = await kind.prove(
    { compute: createReferenceCompute(), ...UNHURRIED },
    { params, basis: BASIS, seed },
    new AbortController().signal,
  );
  const commit = (script.commit ?? ((same) => same))(proving.commit);
  const request = kind.issue(params, [proving.commit], createSeededRandom('request'));
  const opening = (script.opening ?? ((same) => same))(await proving.open(request));
  proving.release();

  const reached = (step: NonNullable<Script['stopAfter']>) => {
    const order = ['arm', 'go', 'commit', 'open', 'half'] as const;
    return !script.stopAfter || order.indexOf(step) <= order.indexOf(script.stopAfter);
  };
  say('validator', {
    case: 'arm',
    value: {
      eventId: EVENT,
      eventBlock: BigInt(BLOCK),
      slot: 3,
      kind: kind.kind,
      paramsId: address,
      basis: BASIS,
      nonceCommitment: nonceCommitment(NONCE, SALT),
    },
  });
  if (reached('go')) {
    say('miner', { case: 'ready', value: {} });
    say('validator', { case: 'go', value: { nonce: NONCE, salt: SALT, beacon: BEACON } });
  }
  if (reached('commit'))
    say('miner', { case: 'commit', value: { nonces: [...nonces], body: commit } }, script.padding);
  if (reached('open')) say('validator', { case: 'open', value: { body: request } });
  const pieces = (script.pieces ?? fullPieces)(opening);
  for (const [piece, data] of pieces.entries()) {
    if (!reached('half') || (script.stopAfter && piece > 0)) break;
    say('miner', { case: 'opening', value: { piece, last: piece === pieces.length - 1, data } });
  }

  const measuredMs = reached('commit') ? (script.measuredMs ?? 1600) : undefined;
  const complete = !script.stopAfter;
  const credited = verdict.kind === 'accepted' ? creditedFor(kind, params, commit) : { credit: {}, share: 0 };
  return {
    params,
    id: toHex(bytes16('outcome')),
    entry: {
      type: 'outcome',
      outcome: {
        id: toHex(bytes16('outcome')),
        event: toHex(EVENT),
        eventBlock: BLOCK,
        epoch: 5,
        netuid: NETUID,
        validator: toHotkey(validator.address),
        miner: toHotkey(miner.address),
        kind: kind.kind,
        paramsId: toHex(address),
        slot: 3,
        verdict,
        measuredMs,
        ownDelayMs: 1,
        ...credited,
        at: clock.now(),
      },
      session: {
        basis: BASIS,
        beacon: BEACON,
        worker: 'host-1',
        nonce: NONCE,
        salt: SALT,
        maxNonces: script.maxNonces,
        seed,
        goAtMs: 3,
        commits:
          measuredMs === undefined
            ? []
            : [
                {
                  atMs: 3 + measuredMs,
                  measuredMs,
                  ownDelayMs: 1,
                  nonces: isNonceSet(nonces, script.maxNonces) ? nonces : [],
                  digest: sha256(commit),
                },
              ],
        openAtMs: reached('open') ? 1700 : undefined,
        openingAtMs: complete ? 1700 + (script.openingAfterMs ?? 20) : undefined,
        digests: {
          request: reached('open') ? sha256(request) : undefined,
          opening: complete ? sha256(opening) : undefined,
        },
        certificates: { validator: ends.validator.certificate, miner: ends.miner.certificate },
        refused: script.refused,
        frames,
      },
    },
  };
}

function fullPieces(opening: Uint8Array): Uint8Array[] {
  const starts = Array.from({ length: Math.ceil(opening.length / OPENING_PIECE_BYTES) }, (_, i) => i);
  return starts.map((i) => opening.subarray(i * OPENING_PIECE_BYTES, (i + 1) * OPENING_PIECE_BYTES));
}

/** Field 15, of two bytes of length, of zeros. */
const unknownField = (bytes: number): Uint8Array =>
  concat(Uint8Array.of(0x7a, (bytes & 0x7f) | 0x80, bytes >> 7), new Uint8Array(bytes));

/** Stores the session, lets `tamper` at the folder, and judges again from what is on disk. */
async function store({ entry, params }: Recording, tamper: (dir: string) => Promise<void> = async () => {}) {
  const dir = await newFolder();
  const random = createSeededRandom('keep');
  const whose = { genesisHash: bytes32('chain'), netuid: NETUID, keypair: devKeypair('validator') };
  const options = { dir, random, log: silentLog, keepAccepted: 1, ...whose };
  const writer = await openLedger(options);
  await writer.saveParams(entry.outcome.paramsId, params);
  await writer.append(entry);
  await writer.close();
  await tamper(dir);
  const ledger = await openLedger(options);
  return {
    replay: (random = 'fresh', verifiers?: Verifiers): Promise<Replay> =>
      replayOutcome(
        { ledger, kinds: KINDS, random: createSeededRandom(random), verifyChain, verifiers },
        entry.outcome.id,
      ),
    close: () => ledger.close(),
  };
}

async function replayed(recording: Recording, tamper?: (dir: string) => Promise<void>): Promise<Replay> {
  const stored = await store(recording, tamper);
  try {
    return await stored.replay();
  } finally {
    await stored.close();
  }
}
const failed = ({ checks }: Replay): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name);

/** A validator that wrote down one bit of the bytes that `pick` finds otherwise: its ledger holds, and the record does not. */
function writtenOtherwise(
  recording: Recording,
  pick: (session: OutcomeEntry['session']) => Uint8Array,
): Recording {
  const { entry } = recording;
  const picked = pick(entry.session);
  const changed = Uint8Array.from(picked);
  changed[Math.floor(picked.length / 2)]! ^= 1;
  const walk = (value: unknown): unknown => {
    if (value === picked) return changed;
    if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(walk);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each)]));
  };
  const session = walk(entry.session) as OutcomeEntry['session']; // of the same form
  return { ...recording, entry: { ...entry, session } };
}
const field = (kind: string, name: 'header' | 'signature' | 'body') => (session: OutcomeEntry['session']) =>
  session.frames.find((frame) => frame.kind === kind)![name];

async function flipInOpening(dir: string): Promise<void> {
  const [name] = await readdir(join(dir, 'openings'));
  const path = join(dir, 'openings', name!);
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length / 3)]! ^= 16;
  await writeFile(path, bytes);
}

beforeAll(readyKeys);

describe.each(CASES)('replay of $kind.kind', ({ kind, params }) => {
  let honest: Recording;
  beforeAll(async () => {
    honest = await record(kind, params, accepted);
  });

  it('reaches the recorded verdict from stored bytes and the parameter file alone, as often as asked', async () => {
    const stored = await store(honest);
    for (const random of ['one draw', 'another draw']) {
      const result = await stored.replay(random);
      expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(result).toMatchObject({ verdict: accepted, agrees: true });
    }
    await stored.close();
  });

  it('disagrees when one bit of the opening was flipped', async () => {
    const result = await replayed(honest, flipInOpening);
    expect(result.agrees).toBe(false);
    expect(failed(result)).toEqual(expect.arrayContaining(['opening bytes', 'signatures']));
    expect(result.verdict.kind).toBe('rejected');
  });

  it.each([
    ['the commit', field('commit', 'body')],
    ['a signature', field('commit', 'signature')],
    ['a header', field('opening', 'header')],
    ['our own challenge', field('go', 'body')],
    ['the certificate of the miner', ({ certificates }: OutcomeEntry['session']) => certificates.miner!],
    ['the beacon', ({ beacon }: OutcomeEntry['session']) => beacon!],
    ['the nonce', ({ salt }: OutcomeEntry['session']) => salt],
    ['the seed', ({ seed }: OutcomeEntry['session']) => seed!],
  ])('disagrees when one bit of %s was flipped', async (_what, pick) => {
    const result = await replayed(writtenOtherwise(honest, pick));
    expect(result.agrees).toBe(false);
  });

  it('finds out a verdict that the evidence does not bear', async () => {
    const { entry } = honest;
    const lie = (verdict: Verdict): Recording => ({
      ...honest,
      entry: { ...entry, outcome: { ...entry.outcome, verdict, credit: {}, share: 0 } },
    });
    const result = await replayed(lie(rejected('projection')));
    expect(result).toMatchObject({ verdict: accepted, agrees: false });
    expect(failed(result)).toEqual(['credit', 'verdict']);
  });

  it('rejects work for another seed for the same reason as the validator did', async () => {
    const replays = await record(kind, params, rejected('seed'), {
      commit: (commit) => concat(commit.subarray(0, -1), Uint8Array.of(commit.at(-1)! ^ 1)),
    });
    expect(await replayed(replays)).toMatchObject({ verdict: rejected('seed'), agrees: true });
  });
});

describe('replay of sessions that ended early', () => {
  const shortBy = (bytes: number) => (opening: Uint8Array) => [
    opening.subarray(0, OPENING_PIECE_BYTES - bytes),
    opening.subarray(OPENING_PIECE_BYTES - bytes),
  ];
  const early = (verdict: Verdict, script: Script) =>
    record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, verdict, script);

  it.each<[string, Verdict, Script]>([
    ['never ready', rejected('window'), { stopAfter: 'arm' }],
    ['silent after Go', rejected('window'), { stopAfter: 'go' }],
    ['late', rejected('window'), { stopAfter: 'commit', measuredMs: 2002 }],
    ['our nonce left out', rejected('left-out'), { stopAfter: 'commit', nonces: [bytes16('theirs')] }],
    ['a nonce twice', rejected('protocol'), { stopAfter: 'commit', nonces: [NONCE, NONCE] }],
    [
      'more nonces than the event has permits',
      rejected('protocol'),
      { stopAfter: 'commit', nonces: [bytes16('a'), NONCE].sort(compare), maxNonces: 1 },
    ],
    [
      'a commit frame too large to keep',
      rejected('protocol'),
      { stopAfter: 'commit', padding: SESSION_LIMITS.frameBytes },
    ],
    ['a commit that is none', rejected('protocol'), { stopAfter: 'commit', commit: (c) => c.subarray(1) }],
    [
      'a broken envelope before the commit',
      rejected('protocol'),
      { stopAfter: 'go', refused: 'unauthenticated' },
    ],
    [
      'a broken envelope before our Go could leave',
      rejected('protocol'),
      { stopAfter: 'arm', refused: 'unauthenticated' },
    ],
    ['an Open that was not taken', rejected('opening-timeout'), { stopAfter: 'commit' }],
    [
      'a broken envelope before our Open could leave',
      rejected('malformed'),
      { stopAfter: 'commit', refused: 'unauthenticated' },
    ],
    ['silent after Open', rejected('opening-timeout'), { stopAfter: 'open' }],
    ['half an opening', rejected('opening-timeout'), { stopAfter: 'half' }],
    [
      'a broken envelope within the opening',
      rejected('malformed'),
      { stopAfter: 'half', refused: 'invalid-input' },
    ],
    ['an opening after its deadline', rejected('opening-timeout'), { openingAfterMs: 1001 }],
    ['pieces of one byte', rejected('malformed'), { pieces: (o) => [o.subarray(0, 1), o.subarray(1)] }],
    ['a piece that is not full before the last', rejected('malformed'), { pieces: shortBy(1) }],
    ['a piece too large before the last', rejected('malformed'), { pieces: shortBy(-1) }],
    ['a last piece too large', rejected('malformed'), { pieces: (o) => [o] }],
    ['an empty piece before the last', rejected('malformed'), { pieces: (o) => [o.subarray(0, 0), o] }],
    ['an opening too large', rejected('malformed'), { opening: (o) => concat(o, utf8('more')) }],
  ])('%s', async (_what, verdict, script) => {
    const result = await replayed(await early(verdict, script));
    expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(result).toMatchObject({ verdict, agrees: true });
  });

  it.each([
    ['a port that did not answer', rejected('unreachable'), { answered: false }],
    ['a call from elsewhere', rejected('elsewhere'), { calledFrom: '192.0.2.8' }],
    ['no call where others are heard', rejected('elsewhere'), {}],
    ['no call where none is', rejected('window'), { mustCall: false }],
    ['a call from where it is', rejected('window'), { calledFrom: '192.0.2.7' }],
  ])('by what was seen of its port: %s', async (_what, verdict, seen) => {
    const { entry, ...rest } = await early(verdict, { stopAfter: 'arm' });
    const sight = { ip: '192.0.2.7', port: 9000, answered: true, mustCall: true, ...seen };
    const looked = { ...rest, entry: { ...entry, session: { ...entry.session, sight } } };
    expect(await replayed(looked)).toMatchObject({ verdict, agrees: true });
  });

  it('accepts full pieces and a last one of any length', async () => {
    for (const bytes of [1, OPENING_PIECE_BYTES, OPENING_PIECE_BYTES + 1, 2 * OPENING_PIECE_BYTES]) {
      const params = { ...ECHO_PARAMS, bytes };
      const recording = await record(echo as ProofKind<unknown, unknown>, params, accepted);
      expect(await replayed(recording)).toMatchObject({ agrees: true, verdict: accepted });
    }
  });

  it('credits our own delay up to one percent of the window', async () => {
    const { entry, ...rest } = await record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, accepted, {
      measuredMs: 2019,
    });
    const [commit] = entry.session.commits;
    const session = { ...entry.session, commits: [{ ...commit!, ownDelayMs: 500 }] };
    const delayed = { ...entry, outcome: { ...entry.outcome, ownDelayMs: 500 }, session };
    expect(await replayed({ ...rest, entry: delayed })).toMatchObject({ agrees: true, verdict: accepted });
    expect(await replayed({ ...rest, entry })).toMatchObject({ agrees: false, verdict: rejected('window') });
  });
});

describe('replay refuses', () => {
  it('what has expired, instead of repeating the recorded verdict', async () => {
    const recording = await record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, accepted);
    const gone = (dir: string) => rm(join(dir, 'openings'), { recursive: true });
    await expect(replayed(recording, gone)).rejects.toMatchObject({
      code: 'evidence-expired',
      data: { outcome: recording.id },
    });
  });

  it('an inconclusive outcome, which no evidence bears out', async () => {
    const recording = await record(
      echo as ProofKind<unknown, unknown>,
      ECHO_PARAMS,
      inconclusive('validator-late'),
    );
    await expect(replayed(recording)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('evidence that ends whoever verifies it, but on threads: there it shows again', async () => {
    const recording = await record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, rejected('poison'));
    const stored = await store(recording);
    try {
      await expect(stored.replay()).rejects.toMatchObject({ code: 'unsupported' });
      const asked: string[] = [];
      const verifiers: Verifiers = {
        forEvent: () => ({
          async verify({ evidence: { opening }, from = '' }) {
            asked.push(`${opening.length} bytes of ${from}`);
            return { verdict: rejected('poison'), opening };
          },
          close: () => void asked.push('closed'),
        }),
      };
      const { verdict, agrees } = await stored.replay('fresh', verifiers);
      expect([verdict, agrees]).toEqual([rejected('poison'), true]);
      expect(asked).toEqual([`${ECHO_PARAMS.bytes} bytes of ${recording.entry.outcome.miner}`, 'closed']);
    } finally {
      await stored.close();
    }
  });

  it('a kind that it does not know', async () => {
    const { entry, ...rest } = await record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, accepted);
    for (const kind of ['memory', 'constructor']) {
      const other = { ...entry, outcome: { ...entry.outcome, kind } };
      await expect(replayed({ ...rest, entry: other })).rejects.toMatchObject({ code: 'unsupported' });
    }
  });

  it('parameters of a build whose sets had other numbers', async () => {
    const older = { ...PACED[1], laps: 2 };
    const recording = await record(computeProof as ProofKind<unknown, unknown>, older, accepted);
    await expect(replayed(recording)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('params.laps'),
    });
  });

  it('a parameter file that was changed', async () => {
    const recording = await record(echo as ProofKind<unknown, unknown>, ECHO_PARAMS, accepted);
    const easier = (dir: string) =>
      writeFile(
        join(dir, 'params', `${recording.entry.outcome.paramsId}.json`),
        canonicalJson({ ...ECHO_PARAMS, bytes: 1 }),
      );
    await expect(replayed(recording, easier)).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('all of a ledger', () => {
  const params = ECHO_PARAMS;
  const kind = echo as ProofKind<unknown, unknown>;

  /** Four segments of one outcome each: one that holds, one by another verdict than follows, two of our own faults. */
  async function fourSegments(): Promise<{ dir: string; ledger: Ledger }> {
    const dir = await newFolder();
    const whose = { genesisHash: bytes32('chain'), netuid: NETUID, keypair: devKeypair('validator') };
    const options = { dir, random: createSeededRandom('keep'), log: silentLog, keepAccepted: 1, ...whose };
    const ledger = await openLedger(options);
    await ledger.saveParams(toHex(paramsId(params)), params);
    const { entry } = await record(kind, params, accepted);
    const fault = inconclusive('validator-fault');
    for (const [epoch, verdict] of [accepted, rejected('seed'), fault, fault].entries())
      await ledger.append({
        ...entry,
        outcome: { ...entry.outcome, id: toHex(bytes16(`${epoch}`)), epoch, verdict },
      });
    return { dir, ledger };
  }
  const judged = (ledger: Ledger) =>
    replayAll({
      // one at a time would read all of it for each of them
      ledger: { ...ledger, find: () => Promise.reject(new Error('looked for in all segments')) },
      kinds: KINDS,
      random: createSeededRandom('fresh'),
      verifyChain,
    } as ReplayAllParts);

  it('judges each again in its own segment, and counts what agrees and names what does not', async () => {
    const { ledger } = await fourSegments();
    const all = await judged(ledger);
    expect(all).toMatchObject({ outcomes: 4, agreeing: 1, inconclusive: 2, notKept: 0, unsupported: 0 });
    expect(all.disagreeing).toMatchObject([
      { id: toHex(bytes16('1')), recorded: 'rejected:seed', now: 'accepted' },
    ]);
    const second = await ledger.inSegment(1);
    await expect(second.find(toHex(bytes16('0')))).rejects.toMatchObject({ code: 'invalid-input' });
    await ledger.close();
  });

  it('reads sessions of our own faults too, where they are kept', async () => {
    const { dir, ledger } = await fourSegments();
    const path = join(dir, 'evidence', '0000000002.others.jsonl');
    const bytes = await readFile(path);
    bytes[100]! ^= 1;
    await writeFile(path, bytes);
    await expect(judged(ledger)).rejects.toMatchObject({ code: 'corrupt', data: { path } });
    await rm(path);
    expect(await judged(ledger)).toMatchObject({ agreeing: 1, inconclusive: 2, notKept: 0 });
    await ledger.close();
  });
});
