// Owns: what `--slots` says. Does not own: which device (miner-devices.ts), opening (miner-slots.ts).
import { AssayError } from '../model/errors.js';

export interface WantedSlot {
  readonly kind: string;
  readonly className: string;
  /** what it computes on, as `assay miner devices` names it; left out, what the class is made for */
  readonly device?: string;
}

/** Nothing said is the CPUs as one; `none` is a miner whose slots are all on other hosts. @throws AssayError `invalid-config` */
export function wantedOf({
  slots,
  class: className,
}: {
  slots: readonly string[];
  class: string;
}): WantedSlot[] {
  if (slots.length === 1 && slots[0] === 'none') return [];
  return parseSlots(slots.length > 0 ? slots : [`compute:${className}`]);
}

/** @throws AssayError `invalid-config` */
export function parseSlots(texts: readonly string[]): WantedSlot[] {
  return texts.map((text) => {
    const [what, device, ...more] = text.split('@');
    const [kind, className, ...rest] = what.split(':');
    if (!kind || !className || rest.length > 0 || device === '' || more.length > 0)
      throw wrongSlot(
        `expected kind:class or kind:class@device, e.g. compute:cpu-2048, memory:h200@cuda:0, got ${text.slice(0, 60)}`,
      );
    return device === undefined ? { kind, className } : { kind, className, device };
  });
}

export function wrongSlot(why: string): AssayError<'invalid-config'> {
  const problem = `slot: ${why}`;
  return new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}
