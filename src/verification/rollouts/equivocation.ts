// Owns: the proof that a hotkey signed two manifests for one window. Does not own: what it costs.
import { lengthPrefixed } from '../../inference/spec/tagged.js';
import type { WindowContext } from '../../inference/spec/window.js';
import { compare, concat, equals, utf8 } from '../../model/bytes.js';
import { MAX_MANIFEST_BYTES } from './limits.js';
import { openManifest, type SignedManifest, type Verify } from './manifest.js';
import { accept, type Checked, refuse } from './reasons.js';

const HEAD = lengthPrefixed(utf8('assay/rollouts/equivocation/1'));

/** Complete in itself: who has it needs neither the files nor the one who found it. */
export interface Equivocation {
  readonly hotkey: Uint8Array;
  /** of the chain */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  readonly window: number;
}

/** The two in ascending order of their bytes, each behind its length. */
export function encodeEquivocation(one: SignedManifest, other: SignedManifest): Uint8Array {
  const [first, second] =
    compare(one.bytes, other.bytes) <= 0 ? [one.bytes, other.bytes] : [other.bytes, one.bytes];
  return concat(HEAD, lengthPrefixed(first, second));
}

/** Never throws. Two signatures under one manifest are no offence: sr25519 signs anew each time. */
export function checkEquivocation(bytes: Uint8Array, verify: Verify): Checked<Equivocation> {
  const parts = split(bytes);
  if (!parts) return refuse('equivocation-malformed');
  const first = openManifest(parts[0], verify);
  if (first.kind === 'refused') return first;
  const second = openManifest(parts[1], verify);
  if (second.kind === 'refused') return second;
  const { hotkey, genesis, netuid, window } = first.value.manifest;
  const against = second.value.manifest;
  if (
    equals(first.value.digest, second.value.digest) ||
    !equals(hotkey, against.hotkey) ||
    !equals(genesis, against.genesis) ||
    netuid !== against.netuid ||
    window !== against.window
  )
    return refuse('equivocation-none');
  return accept({ hotkey, genesis, netuid, window });
}

/** Whether the proof is one, and against this hotkey in this window. */
export function provesAgainst(
  proof: Uint8Array,
  { hotkey, window }: { readonly hotkey: Uint8Array; readonly window: WindowContext },
  verify: Verify,
): boolean {
  const checked = checkEquivocation(proof, verify);
  return (
    checked.kind === 'ok' &&
    equals(checked.value.hotkey, hotkey) &&
    equals(checked.value.genesis, window.genesis) &&
    checked.value.netuid === window.netuid &&
    checked.value.window === window.window
  );
}

function split(bytes: Uint8Array): [Uint8Array, Uint8Array] | undefined {
  if (bytes.length > HEAD.length + 2 * (4 + MAX_MANIFEST_BYTES)) return undefined;
  if (bytes.length < HEAD.length + 8 || !equals(bytes.subarray(0, HEAD.length), HEAD)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = HEAD.length + 4;
  const end = start + view.getUint32(start - 4, true);
  if (end + 4 > bytes.length || view.getUint32(end, true) !== bytes.length - end - 4) return undefined;
  const parts: [Uint8Array, Uint8Array] = [bytes.subarray(start, end), bytes.subarray(end + 4)];
  return compare(...parts) < 0 ? parts : undefined;
}
