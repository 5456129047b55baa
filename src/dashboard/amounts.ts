// Owns: proven amounts as a reader sees them. Does not own: units (model/credit.ts).
import { type Credit, RESOURCES, type Resource } from '../model/credit.js';

const SHOWN: Readonly<Record<Resource, { readonly unit: string; readonly name: string }>> = {
  opsPerS: { unit: 'op/s', name: 'exact int8 operations a second' },
  hashBytesPerS: { unit: 'B/s hashed', name: 'bytes hashed a second' },
  deviceBytes: { unit: 'B device', name: 'device memory' },
  deviceBytesPerS: { unit: 'B/s device', name: 'rate of device memory' },
  hostBytes: { unit: 'B host', name: 'host memory' },
  hostBytesPerS: { unit: 'B/s host', name: 'rate of host memory' },
  storageBytes: { unit: 'B disk', name: 'storage' },
  storageBytesPerS: { unit: 'B/s disk', name: 'rate of storage' },
  downBytesPerS: { unit: 'B/s down', name: 'rate from peers' },
  upBytesPerS: { unit: 'B/s up', name: 'rate to peers' },
};
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** 12.3 Top/s: three digits and a prefix of thousands */
export function amountText(resource: Resource, amount: number): string {
  const { unit } = SHOWN[resource];
  let value = amount;
  let step = 0;
  while (Math.abs(value) >= 999.5 && step < PREFIXES.length - 1) {
    value /= 1000;
    step++;
  }
  const digits = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${PREFIXES[step]}${unit}`;
}

/** All amounts of a vector in the order of RESOURCES; what is hashed beside products is left out, since their rate has it. */
export const vectorText = (credit: Credit): string =>
  shortOf(credit)
    .map(({ amount }) => amount)
    .join(' · ');

/** The first amount of a vector, and how many more there are: for a cell of a line. Undefined for an empty one. */
export function firstAmount(
  credit: Credit,
): { readonly what: string; readonly amount: string; readonly more: number } | undefined {
  const [first, ...rest] = shortOf(credit);
  return first && { ...first, more: rest.length };
}

function shortOf({ hashBytesPerS, ...others }: Credit): ReturnType<typeof amountsOf> {
  const alone = hashBytesPerS !== undefined && others.opsPerS === undefined;
  return amountsOf(alone ? { ...others, hashBytesPerS } : others);
}

/** Each amount with what it is, in the order of RESOURCES. */
export const amountsOf = (credit: Credit): readonly { readonly what: string; readonly amount: string }[] =>
  RESOURCES.flatMap((resource) => {
    const amount = credit[resource];
    return amount === undefined ? [] : [{ what: SHOWN[resource].name, amount: amountText(resource, amount) }];
  });
