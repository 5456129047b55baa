// Owns: outcomes that ledger tests begin with, without a test runner. Does not own: folders (folders.ts).
import { devKeypair } from '../../../../src/keys/keypair.js';
import { toHex, utf8 } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { toHotkey } from '../../../../src/model/ids.js';
import type { Outcome } from '../../../../src/model/outcome.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { accepted, type Verdict } from '../../../../src/model/verdict.js';
import type { OutcomeEntry, SessionFrame } from '../../../../src/validator/ledger/entries.js';

export const bytes32 = (name: string): Uint8Array => new Uint8Array(sha256(utf8(name)));
export const bytes16 = (name: string): Uint8Array => bytes32(name).slice(0, 16);

/** An outcome with an opening of `openingBytes` in one piece; 0: the session had none. */
export function outcomeEntry(
  name: string,
  overrides: {
    verdict?: Verdict;
    epoch?: number;
    openingBytes?: number;
    miner?: string;
    event?: string;
  } = {},
): OutcomeEntry {
  const { verdict = accepted, epoch = 1, openingBytes = 0, miner = 'miner', event = 'event' } = overrides;
  const outcome: Outcome = {
    id: toHex(bytes16(name)),
    event: toHex(bytes32(event)),
    eventBlock: 12,
    epoch,
    netuid: 2,
    validator: toHotkey(devKeypair('validator').address),
    miner: toHotkey(miner),
    kind: 'compute',
    paramsId: toHex(bytes32('params')),
    slot: 0,
    verdict,
    measuredMs: openingBytes > 0 ? 1500.25 : undefined,
    ownDelayMs: 0.5,
    credit: {},
    share: 0,
    at: 1_700_000_000_000,
  };
  const frame = (kind: SessionFrame['kind'], body: Uint8Array): SessionFrame => ({
    from: kind === 'arm' ? 'validator' : 'miner',
    kind,
    header: bytes32(`${name} header`),
    signature: new Uint8Array(64),
    body,
  });
  const opening = createSeededRandom(name).bytes(openingBytes);
  return {
    type: 'outcome',
    outcome,
    session: {
      basis: bytes32('basis'),
      beacon: bytes32('beacon'),
      worker: 'host-1',
      nonce: bytes16('nonce'),
      salt: bytes16('salt'),
      commits: [],
      digests: {},
      certificates: { validator: bytes32('certificate') },
      frames: [frame('arm', bytes32('arm')), ...(openingBytes > 0 ? [frame('opening', opening)] : [])],
    },
  };
}

export const GENESIS = bytes32('chain');
