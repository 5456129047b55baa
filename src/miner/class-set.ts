// Owns: which parameter set a slot of a kind and class has, among those of one file. Does not own: files (parameters), what a class
// is (verification/classes.ts), devices.
import { BY_SIZE } from '../verification/classes.js';
import { kinds as builtIn } from '../verification/kinds/index.js';
import type { KindsByName, ParameterSet } from '../verification/parameter-file.js';
import type { ProofKind } from '../verification/proof.js';

export type ClassSet =
  | { readonly kind: ProofKind<unknown, unknown>; readonly params: unknown; readonly set: ParameterSet }
  | { readonly slot: string; readonly why: string };

/** The set, or why there is none. A kind that this build does not know is such a reason, too. */
export function classSet(
  wanted: { readonly kind: string; readonly className: string },
  { kinds, sets }: { readonly kinds: KindsByName; readonly sets: readonly ParameterSet[] },
): ClassSet {
  const { kind: name, className } = wanted;
  const slot = `${name}:${className}`;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) return { slot, why: `no kind ${name}; there are ${Object.keys(kinds).join(', ')}` };
  const found = sets.filter((each) => each.kind === name && each.className === className);
  const isReal = ({ params }: ParameterSet) => !kind.facts(params).localnetOnly;
  // of our own kinds those are for simulated devices; of a subnet's own they are what there is to be had on a localnet
  const set = found.find(isReal) ?? (Object.hasOwn(builtIn, name) ? undefined : found[0]);
  if (set) return { kind, params: kind.parseParams(set.params), set };
  const why =
    found.length > 0
      ? `${slot} is for simulated devices`
      : `${name} has no class ${className}; assay verification params list shows them${bySize(sets, name)}`;
  return { slot, why };
}

/** A card that nobody listed is no mistake: there are sets for it. */
function bySize(sets: readonly ParameterSet[], kind: string): string {
  const names = sets.filter((each) => each.kind === kind && each.className.startsWith(BY_SIZE));
  return names.length === 0
    ? ''
    : `; a card without a class takes one by size: ${names.map((each) => each.className).join(', ')}`;
}
