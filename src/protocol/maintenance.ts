// Owns: the bytes of declared maintenance: what a hotkey signs beforehand, and reading it. Pure but for the keys' signatures.
// Does not own: which declarations count, and from when (parameters/maintenance.ts).
import { type Keypair, verifySignature } from '../keys/keypair.js';
import { concat, equals, utf8 } from '../model/bytes.js';
import { TAG } from './envelope.js';
import { invalidInput, unauthenticated } from './errors.js';
import { SESSION_LIMITS } from './limits.js';

/** "From this block and before that one, do not ask me, or these workers of mine, for proofs." */
export interface Maintenance {
  /** 32 bytes: a statement is for one chain and one subnet */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  /** 32 bytes */
  readonly hotkey: Uint8Array;
  /** Names the declaration: another statement under it can but end it earlier. */
  readonly serial: number;
  readonly fromBlock: number;
  /** the first block that is not part of it; `fromBlock` itself where it was cancelled whole */
  readonly untilBlock: number;
  /** worker tags; none stands for all of the hotkey */
  readonly workers: readonly string[];
}

const LAYOUT = 19;
const FIXED_BYTES = 87;
const SIGNATURE_BYTES = 64;

/**
 * offset: 0 tag(7) 7 layout(1) 8 genesis(32) 40 netuid(2) 42 hotkey(32) 74 serial(4) 78 from(4) 82 until(4) 86 workers(1), then each
 * tag behind its length(1), then the hotkey's sr25519 signature over all of that; little-endian
 */
export function signMaintenance(keypair: Keypair, of: Omit<Maintenance, 'hotkey'>): Uint8Array {
  const out = new Uint8Array(FIXED_BYTES);
  const view = new DataView(out.buffer);
  out.set(TAG, 0);
  out[7] = LAYOUT;
  out.set(of.genesis, 8);
  view.setUint16(40, of.netuid, true);
  out.set(keypair.publicKey, 42);
  view.setUint32(74, of.serial, true);
  view.setUint32(78, of.fromBlock, true);
  view.setUint32(82, of.untilBlock, true);
  out[86] = of.workers.length;
  const tags = of.workers.flatMap((worker) => [Uint8Array.of(utf8(worker).length), utf8(worker)]);
  const signed = concat(out, ...tags);
  assertSpelling(readSigned(signed));
  return concat(signed, keypair.sign(signed));
}

/** Layout and bounds only: whose it says it is, nobody has proven. @throws AssayError `invalid-input` */
export function readMaintenance(bytes: Uint8Array): Maintenance {
  if (bytes.length > SESSION_LIMITS.maintenanceBytes || bytes.length < FIXED_BYTES + SIGNATURE_BYTES)
    throw invalidInput(
      'maintenance',
      `${FIXED_BYTES + SIGNATURE_BYTES}..${SESSION_LIMITS.maintenanceBytes} bytes`,
      `${bytes.length}`,
    );
  const of = readSigned(bytes.subarray(0, -SIGNATURE_BYTES));
  assertSpelling(of);
  return of;
}

/**
 * @param expect whose it must be
 * @throws AssayError `invalid-input` for another layout, chain, subnet or hotkey; `unauthenticated` for another's signature
 */
export function verifyMaintenance(
  bytes: Uint8Array,
  expect: Pick<Maintenance, 'genesis' | 'netuid' | 'hotkey'>,
): Maintenance {
  const of = readMaintenance(bytes);
  // before the signature is looked at, which is what costs
  for (const name of ['genesis', 'hotkey'] as const)
    if (!equals(of[name], expect[name])) throw invalidInput('maintenance', `this ${name}`, 'another');
  if (of.netuid !== expect.netuid) throw invalidInput('maintenance', 'this netuid', `${of.netuid}`);
  const at = bytes.length - SIGNATURE_BYTES;
  if (!verifySignature(bytes.subarray(at), bytes.subarray(0, at), expect.hotkey))
    throw unauthenticated('bad-signature');
  return of;
}

function readSigned(bytes: Uint8Array): Maintenance {
  if (!equals(bytes.subarray(0, 7), TAG) || bytes[7] !== LAYOUT)
    throw invalidInput('maintenance', `domain tag assay/1, layout ${LAYOUT}`, 'another');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const workers: string[] = [];
  let at = FIXED_BYTES;
  for (let left = bytes[86]!; left > 0; left--) {
    const length = bytes[at];
    const tag = length === undefined ? undefined : bytes.subarray(at + 1, at + 1 + length);
    if (!tag || tag.length !== length) throw invalidInput('maintenance', 'whole worker tags', 'fewer bytes');
    workers.push(Buffer.from(tag).toString('latin1'));
    at += 1 + length;
  }
  if (at !== bytes.length)
    throw invalidInput('maintenance', 'nothing behind its worker tags', `${bytes.length - at} bytes`);
  return {
    genesis: bytes.slice(8, 40),
    netuid: view.getUint16(40, true),
    hotkey: bytes.slice(42, 74),
    serial: view.getUint32(74, true),
    fromBlock: view.getUint32(78, true),
    untilBlock: view.getUint32(82, true),
    workers,
  };
}

const TAGS = new RegExp(`^[\\x21-\\x7e]{1,${SESSION_LIMITS.workerTagChars}}$`);

function assertSpelling({ fromBlock, untilBlock, workers }: Maintenance): void {
  if (untilBlock < fromBlock)
    throw invalidInput(
      'maintenance',
      'an end that is not before its beginning',
      `${fromBlock}..${untilBlock}`,
    );
  if (workers.length > SESSION_LIMITS.maintenanceWorkers)
    throw invalidInput(
      'maintenance',
      `at most ${SESSION_LIMITS.maintenanceWorkers} workers`,
      `${workers.length}`,
    );
  if (!workers.every((tag, i) => TAGS.test(tag) && (i === 0 || workers[i - 1]! < tag)))
    throw invalidInput('maintenance', 'worker tags in order, each once, of printable ASCII', 'others');
}
