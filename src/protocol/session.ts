// Owns: what the rooms above hold in their hands: peers, sessions, handlers.
// Does not own: how they are made (dial.ts, serve.ts), bytes (envelope.ts), transports (wire.ts).
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Keypair } from '../keys/keypair.js';
import type { Clock } from '../model/clock.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import type { ProofSession } from './frames.js';
import type { DescribeResponse, DescribeResponseSchema } from './gen/assay/v1/miner_pb.js';
import type { Limits } from './limits.js';
import type { ServerIdentity } from './server-key.js';
import type { DialAddress, ListenAddress, Wire } from './wire.js';

export type { SignedFrame } from './evidence.js';
export type { FrameBody, ProofSession, Received, Sent } from './frames.js';

export interface SessionParts {
  readonly wire: Wire;
  readonly keypair: Keypair;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
}

export interface PeerOptions {
  /** without `serverKey` it must be a loopback address */
  readonly address: DialAddress;
  readonly hotkey: Hotkey;
  readonly netuid: number;
  /** @default limits.ts */
  readonly limits?: Partial<Limits>;
}

export interface MinerPeer {
  /** @throws AssayError `refused` (reason `cancelled`) when `signal` aborts */
  describe(signal?: AbortSignal): Promise<DescribeResponse>;
  /**
   * The file with this SHA-256, 32 bytes; undefined where the peer does not have it.
   * @throws AssayError as `describe`
   */
  content(digest: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * The piece of the file with this SHA-256 that begins at `offset`, a multiple of FILE_PIECE_BYTES; undefined where the peer
   * does not have it. Nothing says that it is that file's before all pieces are here.
   * @throws AssayError as `describe`
   */
  piece(digest: Uint8Array, offset: number, signal?: AbortSignal): Promise<FilePiece | undefined>;
  /** Opens a session; the first `send` reaches out. */
  prove(traceparent?: string): ProofSession;
  /** Breaks what is still open. */
  close(): void;
}

export interface FilePiece {
  /** FILE_PIECE_BYTES, or what is left of the file */
  readonly data: Uint8Array;
  /** of the whole file, as the peer says */
  readonly fileBytes: number;
}

export interface ServeHandlers {
  describe(caller: Hotkey): Promise<MessageInitShape<typeof DescribeResponseSchema>>;
  /** The file with this SHA-256, 32 bytes. @default there is none */
  content?(digest: Uint8Array): Uint8Array | undefined;
  /** A piece of the file with this SHA-256, `offset` a multiple of FILE_PIECE_BYTES. @default there is none */
  piece?(digest: Uint8Array, offset: number): Promise<FilePiece | undefined>;
  /** The session ends when the promise settles. An AssayError's code reaches the caller; anything else arrives as `internal`. */
  prove(session: ProofSession): Promise<void>;
}

/** Who may call for what: everything, nothing, or files by their digest alone, at a slower rate and with no place among peers. */
export type Admission = boolean | 'files';

export interface ServeParts extends SessionParts {
  /** Asked on every call, after the signature and freshness were found good. */
  readonly admit: (hotkey: Hotkey) => Promise<Admission> | Admission;
  readonly handlers: ServeHandlers;
  /** Told of every call that reached the door and how it ended: never a byte of the peer's. @default nobody */
  readonly onCall?: (call: Call) => void;
}

export interface Call {
  /** what limits count as one place */
  readonly address: string;
  /** whose signature was found good */
  readonly caller?: Hotkey | undefined;
  /** what it was refused with, or failed with */
  readonly error?: unknown;
}

/** Without `identities` it must be a loopback address. */
export interface ServeOptions extends ListenAddress {
  readonly netuid: number;
  /** @default limits.ts */
  readonly limits?: Partial<Limits>;
}

export interface Served {
  readonly host: string;
  readonly port: number;
  /** Keys to answer with from now on: connections that are open stay. Nothing on plaintext. */
  rekey(identities: readonly ServerIdentity[]): void;
  /** resolves once the signal aborted and nothing of the server is left */
  readonly closed: Promise<void>;
}
