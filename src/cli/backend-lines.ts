// Owns: what is said of the backend that a host was proven with: what it cannot do, what that costs, why no better one was used.
// Pure. Does not own: which devices there are (compute/find-devices.ts), what was proven (doctor/examine.ts).
import type { Compute } from '../compute/compute.js';
import type { FoundDevice, FoundDevices } from '../compute/find-devices.js';
import { BY_SIZE, DERIVED } from '../verification/classes.js';
import { whyNone } from './miner-devices.js';

export interface ProvenWith {
  readonly compute: Pick<Compute, 'name' | 'supports'>;
  /** what computed; undefined for the CPUs */
  readonly card: Pick<FoundDevice, 'id' | 'name' | 'choice'> | undefined;
  readonly found: FoundDevices;
  /** what was credited of products, where they were proven */
  readonly products: { readonly class: string; readonly share: number } | undefined;
}

const LARGEST_SIDE = 16_384;

/** Nothing where nothing is lacking. */
export function backendLines({ compute, card, found, products }: ProvenWith): string[] {
  const better = found.devices.filter(
    ({ choice, problem }) => problem === undefined && rankOf(choice) < rankOf(card?.choice),
  );
  const named = better.map(({ id, name }) => `${id} (${name})`).join(', ');
  if (!card)
    return [
      ...(compute.name === 'cpu-onnx'
        ? []
        : [
            `products by ${compute.name}, about a tenth of what onnxruntime-node does, and credited so: npm install --ignore-scripts onnxruntime-node@1.30.0`,
          ]),
      better.length > 0
        ? `not used: ${named}; --device ${better[0].id} proves compute and memory on it`
        : `no card is used, so memory is credited nothing and compute what CPUs do: ${whyNone(found)}`,
    ];
  const { matrixUnits = true, maxSide = LARGEST_SIDE } = compute.supports ?? {};
  const lines: string[] = [];
  if (!matrixUnits) {
    const here = products
      ? `; here ${products.share.toFixed(2)} of what counts one in ${products.class}`
      : '';
    lines.push(
      `webgpu has no tensor cores, products are dot products of four bytes: a card with such units is credited a fraction of its published rate${here}`,
    );
  }
  if (maxSide < LARGEST_SIDE) {
    const lost = [
      ...DERIVED.filter(({ n }) => n > maxSide).map((each) => each.class),
      ...[4096, 8192, LARGEST_SIDE].filter((n) => n > maxSide).map((n) => `${BY_SIZE}${n}`),
    ];
    lines.push(`labels of side ${maxSide} at most, so that these earn nothing on it: ${lost.join(', ')}`);
  }
  if (better.length > 0)
    lines.push(`${named} does better, where it is the same card: --device ${better[0].id}`);
  else if (rankOf(card.choice) > 0 && /nvidia/i.test(card.name)) {
    const cuda = found.devices.filter(({ choice }) => choice.device === 'cuda');
    const absent = found.absent.filter(({ backend }) => backend === 'cuda');
    lines.push(`the faster backend, cuda, is not used: ${whyNone({ ...found, devices: cuda, absent })}`);
  }
  return lines;
}

/** The order in which devices are taken: the best first. */
const rankOf = (choice: FoundDevice['choice'] | undefined): number =>
  ({ cuda: 0, webgpu: 1, cpu: 2 })[choice?.device ?? 'cpu'];
