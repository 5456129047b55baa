// Owns: what a role tells the process that started it: that it is ready, how it fares. Silent without such a parent.

/** Plain JSON values only. */
export type RoleMessage = { readonly [key: string]: unknown };

export function tellParent(message: RoleMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {}); // a parent that just died needs no news
}
