// Owns: the other end of plot-threads.ts: sectors encoded, read and digested on a thread of its own, one order after another.
import { openSync, readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { errnoOf } from '../../model/invalid-input.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { leafBytes, leafDigest, leafTree, pieceTree, sectorBytes, sectorInput } from '../spec/plot.js';
import { fillArgon2d } from '../wasm/argon2d.js';
import { RANGE_NEXT, RANGE_STOP, type ThreadOrder, type ThreadReply } from './plot-threads.js';

/** Closed with the thread. */
const open = new Map<string, number>();
function fileOf(path: string, flags: 'r' | 'r+'): number {
  const key = `${flags}${path}`;
  const fd = open.get(key) ?? openSync(path, flags);
  open.set(key, fd);
  return fd;
}

function readAt(path: string, out: Uint8Array, position: number): Uint8Array {
  const fd = fileOf(path, 'r');
  for (let at = 0; at < out.length; ) {
    const read = readSync(fd, out, at, out.length - at, position + at);
    if (read === 0) throw new Error(`${path} ends at ${position + at}`);
    at += read;
  }
  return out;
}

function writeAt(path: string, bytes: Uint8Array, position: number): void {
  const fd = fileOf(path, 'r+');
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

function answerTo(order: ThreadOrder): Uint8Array {
  const { path, name } = order;
  const size = sectorBytes(name);
  switch (order.want) {
    case 'encode': {
      const data = fillArgon2d(sectorInput(name, order.index));
      writeAt(path, data, order.index * size);
      return leafTree(name, data).root.slice();
    }
    case 'root':
      return leafTree(name, readAt(path, new Uint8Array(size), order.index * size)).root.slice();
    case 'leaves': {
      const { key, sectors, leaves } = order;
      const out = new Uint8Array(leaves.length * HASH_BYTES);
      const leaf = new Uint8Array(leafBytes(name));
      for (let i = 0; i < leaves.length; i++) {
        readAt(path, leaf, sectors[i] * size + leaves[i] * leaf.length);
        out.set(leafDigest(key, sectors[i], leaves[i], leaf), i * HASH_BYTES);
      }
      return out;
    }
    case 'range': {
      const { key, order: sectors, pieceBytes, state, roots } = order;
      const data = new Uint8Array(size);
      for (;;) {
        // one sector at least, however little time there was
        if (Atomics.load(state, RANGE_STOP) !== 0 && Atomics.load(state, RANGE_NEXT) > 0) break;
        const i = Atomics.add(state, RANGE_NEXT, 1);
        const sector = sectors[i];
        if (sector === undefined) break;
        const { root } = pieceTree(key, sector, readAt(path, data, sector * size), pieceBytes);
        roots.set(root, i * HASH_BYTES);
      }
      return new Uint8Array(0);
    }
  }
}

const tell = (reply: ThreadReply): void => parentPort?.postMessage(reply);

parentPort?.on('message', (order: ThreadOrder) => {
  try {
    tell({ answer: answerTo(order) });
  } catch (error) {
    tell({ errno: errnoOf(error), message: error instanceof Error ? error.message : String(error) });
  }
});
