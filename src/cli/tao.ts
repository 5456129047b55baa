// Owns: amounts of TAO as people write them. Does not own: what they are for.
import { invalid } from './invalid-input.js';

const RAO_PER_TAO = 1_000_000_000n;
/** Of a u64, which is what the chain counts in. */
const MAX_RAO = (1n << 64n) - 1n;

/**
 * @param text `12`, `0.5`: digits, and up to nine decimals after a point
 * @param what names the argument in errors
 * @returns rao
 * @throws AssayError `invalid-input`
 */
export function raoOf(text: string, what: string): bigint {
  const [, whole, decimals = ''] = /^(\d{1,12})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === undefined) throw invalid(what, 'TAO as a plain decimal number, such as 12 or 0.5', text);
  if (decimals.length > 9) throw invalid(what, 'at most nine decimals: a rao is a billionth of a TAO', text);
  const rao = BigInt(whole) * RAO_PER_TAO + BigInt(decimals.padEnd(9, '0'));
  if (rao > MAX_RAO) throw invalid(what, 'an amount that the chain can count', text);
  return rao;
}

/** `1.5`, `0.000000001`: exact, without zeros that say nothing. */
export function taoText(rao: bigint): string {
  const decimals = (rao % RAO_PER_TAO).toString().padStart(9, '0').replace(/0+$/, '');
  return `${rao / RAO_PER_TAO}${decimals === '' ? '' : `.${decimals}`}`;
}
