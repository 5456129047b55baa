// Owns: whose ledger it is, and what the hotkey signs of it. Does not own: keys (keys), what the links cover (frames.ts).
import { type Keypair, verifySignature } from '../../keys/keypair.js';
import { fromAddress } from '../../keys/ss58.js';
import { concat, equals, toHex, u16le, u32le, u64le, utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { ClosedEntry, SegmentEntry } from './entries.js';

export interface LedgerOwner {
  /** 32 bytes, of the chain */
  readonly genesisHash: Uint8Array;
  readonly netuid: number;
  /** the validator's */
  readonly hotkey: Hotkey;
}

/** Who writes a ledger: signs what is finished. */
export interface LedgerWriter {
  readonly genesisHash: Uint8Array;
  readonly netuid: number;
  readonly keypair: Keypair;
}

export const ownerOf = ({ genesisHash, netuid, keypair }: LedgerWriter): LedgerOwner => ({
  genesisHash,
  netuid,
  hotkey: toHotkey(keypair.address),
});

/** What stands at a point of a ledger: two of one hotkey, one number of records and different links are two ledgers. */
export interface LedgerHead {
  readonly epoch: number;
  /** of all files, before this point */
  readonly records: number;
  /** 32 bytes, of the last frame before it */
  readonly link: Uint8Array;
}

/** A head as its hotkey signed it, at the end of an epoch. */
export interface SignedHead extends LedgerHead {
  readonly signature: Uint8Array;
}

export const signedHead = ({ epoch, records, link, signature }: ClosedEntry): SignedHead => ({
  epoch,
  records,
  link: new Uint8Array(link),
  signature,
});

const messageOf = (domain: string, { genesisHash, netuid }: LedgerOwner, head: LedgerHead): Uint8Array =>
  concat(utf8(domain), genesisHash, u16le(netuid), u32le(head.epoch), u64le(head.records), head.link);

const CLOSED = 'assay/ledger/closed/1';

export function signClosed(writer: LedgerWriter, head: LedgerHead): ClosedEntry {
  const signature = writer.keypair.sign(messageOf(CLOSED, ownerOf(writer), head));
  return { type: 'closed', ...head, signature };
}

export function isSignedClosed(owner: LedgerOwner, closed: ClosedEntry): boolean {
  return isSigned(owner, messageOf(CLOSED, owner, closed), closed.signature);
}

/** Over any bytes of a purpose that `domain` names. */
export const signOver = (writer: LedgerWriter, domain: string, digest: Uint8Array): Uint8Array =>
  writer.keypair.sign(concat(utf8(domain), digest));

export const isSignedOver = (
  owner: LedgerOwner,
  domain: string,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean => isSigned(owner, concat(utf8(domain), digest), signature);

function isSigned({ hotkey }: LedgerOwner, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySignature(signature, message, fromAddress(hotkey));
  } catch {
    return false; // an address that is none signs nothing
  }
}

/** @throws AssayError `invalid-input` saying which of chain, subnet and validator is another */
export function assertOwner(where: string, expected: LedgerOwner, header: SegmentEntry): void {
  const differ = (what: string, ours: string, theirs: string) =>
    new AssayError('invalid-input', `${where} is the ledger of another ${what}: ${theirs}, not ${ours}`, {
      what: `${what} of the ledger`,
      expected: ours,
      got: theirs,
    });
  if (!equals(header.genesis, expected.genesisHash))
    throw differ('chain', `genesis ${toHex(expected.genesisHash)}`, `genesis ${toHex(header.genesis)}`);
  if (header.netuid !== expected.netuid) throw differ('subnet', `${expected.netuid}`, `${header.netuid}`);
  if (header.hotkey !== expected.hotkey) throw differ('validator', expected.hotkey, header.hotkey);
}
