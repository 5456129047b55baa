// Owns: the branded identifiers every room shares. Does not own: how they are encoded (keys/ss58.ts).

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** SS58 address (prefix 42) of a neuron's hotkey. */
export type Hotkey = Brand<string, 'Hotkey'>;
/** SS58 address (prefix 42) of the account that owns hotkeys and holds TAO. */
export type Coldkey = Brand<string, 'Coldkey'>;
/** Index of a neuron in its subnet, 0..n-1; reused after deregistration, so never an identity by itself. */
export type Uid = Brand<number, 'Uid'>;
/** Subnet number, u16; 0 is root. */
export type Netuid = Brand<number, 'Netuid'>;

export const toHotkey = (address: string): Hotkey => address as Hotkey;
export const toColdkey = (address: string): Coldkey => address as Coldkey;

/** @throws RangeError when `value` is no u16 */
export function toUid(value: number): Uid {
  assertU16('uid', value);
  return value as Uid;
}

/** @throws RangeError when `value` is no u16 */
export function toNetuid(value: number): Netuid {
  assertU16('netuid', value);
  return value as Netuid;
}

function assertU16(label: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw new RangeError(`${label}: expected an integer in 0..65535, got ${value}`);
}
