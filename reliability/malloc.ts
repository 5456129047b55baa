// Owns: how memory that is not JavaScript's is had in operation: what the units of systemd set, for processes of soaks. Does not own: the
// units (ops/systemd).
import { readFileSync } from 'node:fs';

/** @returns variables for the environment of a process that is such a role */
export function unitsMalloc(role: 'validator' | 'miner'): Readonly<Record<string, string>> {
  const name = `assay-${role}.service`;
  const unit = readFileSync(new URL(`../ops/systemd/${name}`, import.meta.url), 'utf8');
  const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, pairs]) => pairs!).join(' ');
  const found = [...lines.matchAll(/(MALLOC_\w+)=(\d+)/g)].map(([, key, value]) => [key!, value!] as const);
  if (found.length === 0) throw new Error(`${name} says nothing of MALLOC_`);
  return Object.fromEntries(found);
}
