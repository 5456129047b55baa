// Owns: what a role tells the process that started it: that it is ready, how it fares. Silent without such a parent.
import { toJson } from './output.js';

export type RoleMessage = { readonly [key: string]: unknown };

/** Amounts travel as decimal strings and bytes as hex: the channel has no form for them, and its refusal would end what the role was doing. */
export function tellParent(message: RoleMessage): void {
  if (process.connected) process.send?.(JSON.parse(toJson(message)), undefined, undefined, () => {}); // a parent that just died needs no news
}
