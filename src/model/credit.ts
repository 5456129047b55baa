// Owns: the units in which proofs credit what they prove. Does not own: what a unit is worth (scoring).

/** What accepted evidence can prove, each in the unit of its name. */
export const RESOURCES = [
  /** exact int8 operations a second over the event's window; a multiply and an add are two */
  'opsPerS',
  /** bytes hashed a second in the same window, as part of the same work: beside the rate, never added to it */
  'hashBytesPerS',
  /** device memory resident at one instant, and the rate at which all of it was read */
  'deviceBytes',
  'deviceBytesPerS',
  /** host memory resident at one instant, and the rate at which all of it was read */
  'hostBytes',
  'hostBytesPerS',
  /** storage that holds its sectors, and the rate at which such of them were read as nobody chose */
  'storageBytes',
  'storageBytesPerS',
  /** rates to and from peers in a common round */
  'downBytesPerS',
  'upBytesPerS',
] as const;
export type Resource = (typeof RESOURCES)[number];

/** Amounts by resource; what is not named was not proven. */
export type Credit = Readonly<Partial<Record<Resource, number>>>;

/** What everything but accepted evidence is credited. */
export const NO_CREDIT: Credit = Object.freeze({});

/**
 * How much of `nominal` was proven: the mean of the resources' ratios. Linear in each of them, so that splitting a device
 * or joining two gains nothing; it may exceed 1.
 */
export function creditShare(credit: Credit, nominal: Credit): number {
  const named = RESOURCES.filter((resource) => (nominal[resource] ?? 0) > 0);
  if (named.length === 0) return 0;
  const sum = named.reduce((all, resource) => all + (credit[resource] ?? 0) / nominal[resource]!, 0);
  return sum / named.length;
}
