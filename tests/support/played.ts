// Owns: sessions as dispatch hands them on, without anybody to play them with.
import { toHex } from '../../src/model/bytes.js';
import type { ProofSession } from '../../src/protocol/session.js';
import type { EventFrame, HeardCommit, Played } from '../../src/validator/dispatch.js';
import type { ProofKind } from '../../src/verification/proof.js';
import { bytes16, bytes32 } from './sessions.js';
import { neuron } from './subnets.js';
import { TOY_COMMIT, TOY_PARAMS, TOY_PARAMS_ID, toyOpening } from './toy-kind.js';

const REQUEST = bytes32('request').slice(0, 4);
const SIGNED = { header: bytes32('header'), signature: new Uint8Array(64), body: bytes32('body') };

const session: ProofSession = {
  id: bytes16('session'),
  peer: neuron(3).hotkey,
  ownCertificate: bytes32('own certificate'),
  peerCertificate: () => bytes32('peer certificate'),
  send: async () => ({ signed: SIGNED, at: 0, flushMs: 0 }),
  receive: async () => undefined,
  end: () => {},
  cancel: () => {},
};

/** A complete session of an honest miner: block seen at 5000 ms, Commit 500 ms after the Go. */
export function playedSession(
  kind: ProofKind<unknown, unknown>,
  overrides: Partial<Played> & { slot?: number; paramsId?: Uint8Array } = {},
): Played {
  const { slot = 0, paramsId = TOY_PARAMS_ID, ...played } = overrides;
  return {
    task: {
      neuron: neuron(3),
      claim: { index: slot, worker: 'host-1', kind: 'toy', paramsId: toHex(paramsId) },
      kind,
      params: TOY_PARAMS,
      facts: kind.facts(TOY_PARAMS),
    },
    nonce: bytes16('nonce'),
    salt: bytes16('salt'),
    session,
    frames: [],
    refused: undefined,
    seenAt: 5000,
    go: { signed: SIGNED, at: 5001, flushMs: 0 },
    brief: undefined,
    commits: [committed(TOY_COMMIT)],
    pass: undefined,
    reached: 'go',
    queued: false,
    behindLine: false,
    open: { signed: SIGNED, at: 5502, flushMs: 0 },
    request: REQUEST,
    takenFrom: 5502,
    openedAt: 5512,
    opening: toyOpening(REQUEST),
    pieces: [toyOpening(REQUEST)],
    measuredMs: 500,
    ownDelayMs: 1.5,
    end: undefined,
    drain: async () => {},
    release: () => {},
    forget: () => {},
    ...played,
  };
}

export const committed = (body: Uint8Array): HeardCommit => ({
  at: 5501,
  measuredMs: 500,
  nonces: [bytes16('nonce')],
  body,
  ownDelayMs: 1.5,
});

/** Of a session in which nothing came back. */
export const NOTHING_ARRIVED: Partial<Played> = {
  commits: [],
  open: undefined,
  request: new Uint8Array(),
  takenFrom: undefined,
  openedAt: undefined,
  opening: new Uint8Array(),
  pieces: [],
  measuredMs: undefined,
};

export const EVENT: EventFrame & { epoch: number; netuid: number } = {
  id: bytes32('event'),
  block: 120,
  ordinal: '5.0',
  maxNonces: 2,
  basis: bytes32('basis'),
  hold: { first: 20, last: 22 },
  go: Promise.resolve({ hash: bytes32('beacon'), seenAt: 5000 }),
  pass: new Promise(() => {}),
  epoch: 5,
  netuid: 7,
};
