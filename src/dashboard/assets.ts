// Owns: the files a page loads, under names that change with their contents. Does not own: what is in them (assets/).
import { readFileSync } from 'node:fs';
import { toHex } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';

const TYPES = {
  'dashboard.css': 'text/css; charset=utf-8',
  'dashboard.js': 'text/javascript; charset=utf-8',
  'theme.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export type AssetNames = Readonly<Record<keyof typeof TYPES, string>>;

export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Assets {
  readonly names: AssetNames;
  /** by the name they are asked for */
  readonly files: ReadonlyMap<string, Asset>;
}

/** Reads them from beside this file, once. */
export function readAssets(): Assets {
  const files = new Map<string, Asset>();
  const names = Object.entries(TYPES).map(([own, type]) => {
    const bytes = readFileSync(new URL(`./assets/${own}`, import.meta.url));
    const [stem, ending] = own.split('.');
    const name = `${stem}.${toHex(sha256(bytes)).slice(0, 12)}.${ending}`;
    files.set(name, { name, type, bytes });
    return [own, name];
  });
  return { names: Object.fromEntries(names) as AssetNames, files };
}
