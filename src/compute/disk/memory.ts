// Owns: plots in memory, made when they are first asked for. For tests and demos; earns nothing that a disk would not.
import { toHex } from '../../model/bytes.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { Disk, Plot } from '../disk.js';
import {
  leafBytes,
  leafDigest,
  leafTree,
  type PlotName,
  pieceTree,
  plotTree,
  sectorBytes,
  sectorInput,
} from '../spec/plot.js';
import { fillArgon2d } from '../wasm/argon2d.js';

/** @param options.sectors of every plot */
export function createMemoryDisk({ sectors }: { readonly sectors: number }): Disk {
  const plots = new Map<string, Plot>();
  return {
    name: 'disk-memory',
    async open(name, signal) {
      signal.throwIfAborted();
      const id = `${toHex(name.place)}/${name.sectorBlocks}/${name.passes}/${name.leafBlocks}`;
      let plot = plots.get(id);
      if (!plot) {
        plot = plotOver(name, encodeSectors(name, sectors));
        plots.set(id, plot);
      }
      return plot;
    },
  };
}

/** Sectors 0 .. `count` - 1, one behind the other. */
export function encodeSectors(name: PlotName, count: number): Uint8Array {
  const size = sectorBytes(name);
  const data = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) data.set(fillArgon2d(sectorInput(name, i)), i * size);
  return data;
}

/** A plot of whatever sectors it is given: liars have others than those of their place. */
export function plotOver(name: PlotName, data: Uint8Array): Plot {
  const size = sectorBytes(name);
  const sectors = data.length / size;
  const sector = (i: number): Uint8Array => data.subarray(i * size, (i + 1) * size);
  const roots = new Uint8Array(sectors * HASH_BYTES);
  for (let i = 0; i < sectors; i++) roots.set(leafTree(name, sector(i)).root, i * HASH_BYTES);
  const leaf = leafBytes(name);
  return {
    sectors,
    tree: plotTree(roots),
    async digestLeaves(key, asked, signal) {
      signal.throwIfAborted();
      const out = new Uint8Array(asked.leaves.length * HASH_BYTES);
      asked.sectors.forEach((s, i) => {
        const at = asked.leaves[i] * leaf;
        const digest = leafDigest(key, s, asked.leaves[i], sector(s).subarray(at, at + leaf));
        out.set(digest, i * HASH_BYTES);
      });
      return out;
    },
    async digestRange({ key, order, pieceBytes, leftMs }, signal) {
      const out: number[] = [];
      for (const [i, s] of order.entries()) {
        signal.throwIfAborted();
        if (i > 0 && leftMs() <= 0) break;
        out.push(...pieceTree(key, s, sector(s), pieceBytes).root);
      }
      return Uint8Array.from(out);
    },
    readSector: async (index) => sector(index),
  };
}
