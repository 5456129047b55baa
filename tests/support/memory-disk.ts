// Owns: a disk in memory that can stop at any of its steps, and what a power cut leaves of it. Does not own: the real one.
import { dirname } from 'node:path';
import type { Disk } from '../../src/inference/checkpoint/disk.js';
import { memorySource } from '../../src/inference/safetensors.js';
import { invalid } from '../../src/model/invalid-input.js';

interface Kept {
  bytes: Uint8Array;
  /** as much of it as is on disk */
  synced: number;
}

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Kept>;
  /** steps so far that change something */
  readonly steps: number;
  /** from this step on every one fails, as for a process that is gone */
  stopAt(step: number | undefined): void;
  /** What is there after the power came back: nothing that was not synced, neither bytes nor names. */
  afterPowerCut(): MemoryDisk;
}

export function createMemoryDisk(files: Map<string, Kept> = new Map()): MemoryDisk {
  let steps = 0;
  let stop: number | undefined;
  /** names that are on disk */
  let names = new Map(files);
  /** folders that were made here, and are not on disk yet */
  const made = new Set<string>();
  const there = new Set([...files.keys()].map(dirname));
  const step = (): void => {
    steps++;
    if (stop !== undefined && steps >= stop) throw new Error('stopped');
  };
  return {
    files,
    get steps() {
      return steps;
    },
    stopAt(at) {
      stop = at;
    },
    afterPowerCut: () =>
      createMemoryDisk(
        new Map(
          [...names]
            .filter(([path]) => !made.has(dirname(path)))
            .map(([path, { bytes, synced }]) => [path, { bytes: bytes.slice(0, synced), synced }]),
        ),
      ),
    async open(path) {
      const kept = files.get(path);
      return kept && { ...memorySource(kept.bytes), close: async () => {} };
    },
    async create(path) {
      step();
      if (files.has(path)) throw invalid(path, 'nothing yet', 'a file');
      const kept: Kept = { bytes: new Uint8Array(0), synced: 0 };
      files.set(path, kept);
      return {
        async append(bytes) {
          step();
          kept.bytes = Buffer.concat([kept.bytes, bytes]);
        },
        async sync() {
          step();
          kept.synced = kept.bytes.length;
        },
        close: async () => {},
      };
    },
    async rename(from, to) {
      step();
      files.set(to, files.get(from)!);
      files.delete(from);
    },
    async remove(path) {
      step();
      files.delete(path);
    },
    list: async (folder) =>
      [...files.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1)),
    async makeFolder(folder) {
      step();
      if (!there.has(folder)) made.add(folder);
      there.add(folder);
    },
    async syncFolder(folder) {
      step();
      for (const each of made) if (dirname(each) === folder) made.delete(each);
      const elsewhere = [...names].filter(([path]) => dirname(path) !== folder);
      const here = [...files].filter(([path]) => dirname(path) === folder);
      names = new Map([...elsewhere, ...here]);
    },
  };
}
