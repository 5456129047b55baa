// Owns: real signed sessions over the loopback: a miner that follows a script, validators that dial it.
import { devKeypair, type Keypair } from '../../src/keys/keypair.js';
import { utf8 } from '../../src/model/bytes.js';
import type { Clock } from '../../src/model/clock.js';
import { sha256 } from '../../src/model/hash.js';
import { type Hotkey, toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { dial } from '../../src/protocol/dial.js';
import type { Frame } from '../../src/protocol/gen/assay/v1/miner_pb.js';
import { createLoopback } from '../../src/protocol/loopback.js';
import { serve } from '../../src/protocol/serve.js';
import type { FrameBody, MinerPeer, ProofSession, ServeHandlers } from '../../src/protocol/session.js';
import type { Wire, WireStream } from '../../src/protocol/wire.js';
import { eventId, nonceCommitment, passCommitment } from '../../src/verification/seed.js';
import { NETUID } from './subnets.js';
import { TOY_COMMIT, TOY_PARAMS_ID, TOY_STEPS_ID, toyOpening } from './toy-kind.js';

export const bytes32 = (name: string): Uint8Array => new Uint8Array(sha256(utf8(name)));
export const bytes16 = (name: string): Uint8Array => bytes32(name).slice(0, 16);

type BodyOf<C extends Frame['body']['case']> = Extract<Frame['body'], { case: C }>['value'];

/** The next frame, which must be a `frame`. */
export async function take<C extends NonNullable<Frame['body']['case']>>(
  session: ProofSession,
  frame: C,
): Promise<BodyOf<C>> {
  const received = await session.receive();
  const got = received?.frame.body;
  if (got?.case !== frame) throw new TypeError(`expected ${frame}, got ${got?.case ?? 'the end'}`);
  return got.value as BodyOf<C>;
}

export const READY: FrameBody = { case: 'ready', value: {} };
export const commitOf = (nonces: readonly Uint8Array[], body = TOY_COMMIT, phase = 0): FrameBody => ({
  case: 'commit',
  value: { nonces: [...nonces], body, phase },
});
export const piece = (index: number, data: Uint8Array, last = false): FrameBody => ({
  case: 'opening',
  value: { piece: index, data, last },
});

export type Script = (session: ProofSession, clock: Clock) => Promise<void>;

export interface Honest {
  /** @default 500 */
  readonly workMs?: number;
  /** @default the validator's own */
  readonly nonces?: (own: Uint8Array) => readonly Uint8Array[];
  readonly commit?: Uint8Array;
  /** instead of the honest opening in one piece */
  readonly open?: (session: ProofSession, request: Uint8Array, clock: Clock) => Promise<void>;
}

/** The whole session as an honest miner plays it, but for what is said otherwise. */
export function plays({ workMs = 500, nonces = (own) => [own], commit, open }: Honest = {}): Script {
  return async (session, clock) => {
    await take(session, 'arm');
    await session.send(READY);
    const { nonce } = await take(session, 'go');
    await clock.sleep(workMs);
    await session.send(commitOf(nonces(nonce), commit));
    const { body } = await take(session, 'open');
    if (open) await open(session, body, clock);
    else await session.send(piece(0, toyOpening(body), true));
    await session.receive();
  };
}

/** A loopback on which the listening end's frames pass `mangle` on their way out. */
export function mangling(
  clock: Clock,
  mangle: (index: number, send: () => Promise<void>) => Promise<void>,
): Wire {
  const wire = createLoopback({ clock });
  return {
    connect: (address) => wire.connect(address),
    listen: (address, handlers) =>
      wire.listen(address, {
        describe: (arrived, origin) => handlers.describe(arrived, origin),
        prove(stream, origin) {
          let index = 0;
          const mangled: WireStream = {
            receive: () => stream.receive(),
            end: () => stream.end(),
            cancel: (error) => stream.cancel(error),
            closed: stream.closed,
            send: (message) => mangle(index++, () => stream.send(message)),
          };
          return handlers.prove(mangled, origin);
        },
      }),
  };
}

/** What a miner with further steps does otherwise than an honest one of `TOY_STEPS`; ms are counted from Go or Pass. */
export interface Steps {
  /** @default 500, 2500 */
  readonly goMs?: readonly number[];
  /** @default 300, 900 */
  readonly passMs?: readonly number[];
  /** instead of the Commit of this number */
  readonly commit?: (phase: number, honest: FrameBody, session: ProofSession) => Promise<unknown>;
  /** between the last Commit from Go and the Pass */
  readonly hold?: (session: ProofSession, clock: Clock) => Promise<unknown>;
  readonly open?: (session: ProofSession, request: Uint8Array) => Promise<unknown>;
}

/** A session with two steps from Go and two from the Pass; bodies of the latter are words of 16 bytes. */
export function playsSteps({ goMs = [500, 2500], passMs = [300, 900], ...script }: Steps = {}): Script {
  return async (session, clock) => {
    const commit = script.commit ?? ((_phase, honest) => session.send(honest));
    const workUntil = async (from: number, ms: number) => clock.sleep(from + ms - clock.monotonic());
    await take(session, 'arm');
    await session.send(READY);
    const go = await take(session, 'go');
    let from = clock.monotonic();
    for (const [phase, ms] of goMs.entries()) {
      await workUntil(from, ms);
      await commit(phase, commitOf([go.nonce], TOY_COMMIT, phase), session);
    }
    await script.hold?.(session, clock);
    const pass = await take(session, 'pass');
    from = clock.monotonic();
    for (const [step, ms] of passMs.entries()) {
      const phase = goMs.length + step;
      await workUntil(from, ms);
      await commit(phase, commitOf([pass.nonce], bytes16('pass'), phase), session);
    }
    const { body } = await take(session, 'open');
    if (script.open) await script.open(session, body);
    else await session.send(piece(0, toyOpening(body), true));
    await session.receive();
  };
}

export interface ScriptedMiner {
  readonly hotkey: Hotkey;
  readonly keypair: Keypair;
  readonly address: { readonly host: string; readonly port: number };
  peer(validator: Keypair): MinerPeer;
  /** what the scripts threw, in the order of their ends */
  readonly failures: unknown[];
}

/** Serves until `signal` aborts. Needs `readyKeys()`. */
export async function scriptedMiner(
  parts: { clock: Clock; wire?: Wire; name?: string },
  script: Script,
  signal: AbortSignal,
  describe: ServeHandlers['describe'] = async () => TOY_DESCRIPTION,
): Promise<ScriptedMiner> {
  const { clock, name = 'miner', wire = createLoopback({ clock }) } = parts;
  const keypair = devKeypair(name);
  const failures: unknown[] = [];
  const base = { wire, clock, log: silentLog };
  const served = await serve(
    {
      ...base,
      keypair,
      random: createSeededRandom(name),
      admit: () => true,
      handlers: {
        describe,
        prove: (session) =>
          script(session, clock).catch((error: unknown) => {
            failures.push(error);
            throw error;
          }),
      },
    },
    { host: '127.0.0.1', port: 0, netuid: NETUID },
    signal,
  );
  const address = { host: served.host, port: served.port };
  const hotkey = toHotkey(keypair.address);
  return {
    hotkey,
    keypair,
    address,
    failures,
    peer: (validator) =>
      dial(
        { ...base, keypair: validator, random: createSeededRandom(`${name}/${validator.address}`) },
        { address, hotkey, netuid: NETUID },
      ),
  };
}

export const TOY_DESCRIPTION = {
  version: 'test',
  kinds: ['toy'],
  slots: [{ index: 0, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID }],
};

/** Arm of slot 0 in the event of block 120, committing to `nonce`. */
export function armOf(
  nonce: Uint8Array,
  overrides: Partial<Extract<FrameBody, { case: 'arm' }>['value']> & { eventBlock?: bigint } = {},
): FrameBody {
  const { eventBlock = 120n, basis = bytes32('basis') } = overrides;
  return {
    case: 'arm',
    value: {
      eventId: eventId({ netuid: NETUID, block: Number(eventBlock), basis }),
      eventBlock,
      slot: 0,
      kind: 'toy',
      paramsId: TOY_PARAMS_ID,
      basis,
      nonceCommitment: nonceCommitment(nonce, SALT),
      ...overrides,
    } as Extract<FrameBody, { case: 'arm' }>['value'] & {}, // overrides are named one by one, never undefined
  };
}

export const HOLD = { first: 20, last: 22 };
/** The same of a slot with a Pass. */
export const armWithPass = (
  nonce: Uint8Array,
  passNonce: Uint8Array,
  overrides: Parameters<typeof armOf>[1] = {},
): FrameBody =>
  armOf(nonce, {
    paramsId: TOY_STEPS_ID,
    passCommitment: passCommitment(passNonce, SALT),
    holdFirst: HOLD.first,
    holdLast: HOLD.last,
    ...overrides,
  });
export const passOf = (nonce: Uint8Array, beacon = bytes32('pass beacon')): FrameBody => ({
  case: 'pass',
  value: { nonce, salt: SALT, beacon },
});

export const SALT = bytes16('salt');
export const goOf = (nonce: Uint8Array, beacon = bytes32('beacon')): FrameBody => ({
  case: 'go',
  value: { nonce, salt: SALT, beacon },
});
