// Owns: which sets of parameters a card is tried with. Does not own: the sets (src/verification).
import { suggestedClass } from '../../../src/verification/catalogue.js';
import { BY_SIZE, DEVICES } from '../../../src/verification/classes.js';
import { COMPUTE_PARAMS, type ComputeParams } from '../../../src/verification/kinds/compute/params.js';
import { type MemoryParams, memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';

interface Card {
  readonly name: string;
  readonly memoryBytes: number;
}

/** The class that the name suggests; of an unknown card the largest that has room on it, or the smallest there is. */
export function classFor({ name, memoryBytes }: Card): string {
  const suggested = suggestedClass(name, memoryBytes);
  if (suggested !== undefined) return suggested;
  const bySize = [...DEVICES].sort((one, other) => other.memoryBytes - one.memoryBytes);
  return (bySize.find((device) => device.memoryBytes <= 1.02 * memoryBytes) ?? bySize.at(-1)!).class;
}

export function memoryParamsFor(card: Card): MemoryParams {
  return memoryParamsByClass(classFor(card))!; // every class of cards has both kinds
}

/** Of the card's class, and those that go by the side of a label alone. */
export function computeParamsFor(card: Card): readonly ComputeParams[] {
  const own = classFor(card);
  return COMPUTE_PARAMS.filter((params) => params.class === own || params.class.startsWith(BY_SIZE));
}
