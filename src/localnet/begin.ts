// Owns: what a localnet begins with: a folder's chain, a saved state, a fork, or a genesis. Does not own: what follows.

import { systemClock } from '../model/clock.js';
import { invalid } from '../model/invalid-input.js';
import type { Log } from '../model/log.js';
import { sealFork, sealGenesis } from './blocks.js';
import { type Archive, openChainFolder } from './durable.js';
import { forkSubnet, type SubnetFork } from './fork.js';
import { writeGenesis } from './genesis.js';
import type { LocalnetOptions } from './options.js';
import { type ChainStart, type SavedState, savedStart, startFrom } from './save.js';
import { State } from './state.js';

/** @throws AssayError `corrupt` or `invalid-input` for what `basePath` or `from` holds */
export function beginChain(
  options: LocalnetOptions,
  historyBlocks: number,
  log: Log,
): { readonly start: ChainStart; readonly archive: Archive | undefined } {
  const { basePath, from, clock = systemClock } = options;
  if (basePath === undefined) return { start: newStart(options, historyBlocks), archive: undefined };
  const folder = openChainFolder(basePath, { clock, log, historyBlocks });
  try {
    if (folder.found === undefined) {
      const start = newStart(options, historyBlocks);
      return { start, archive: folder.open(savedStart(start)) };
    }
    if (from !== undefined)
      throw invalid(
        basePath,
        'a folder without a chain, to begin one elsewhere than at its end',
        'one with a chain',
      );
    return { start: folder.found, archive: folder.open(undefined) };
  } catch (error) {
    folder.release();
    throw error;
  }
}

function newStart(options: LocalnetOptions, historyBlocks: number): ChainStart {
  const { sudo, balances = [], fastBlocks = true, from } = options;
  if (from !== undefined && isSaved(from)) return startFrom(from, historyBlocks);
  const state = new State(historyBlocks);
  writeGenesis(state, { sudo, balances, fastBlocks });
  const genesis = sealGenesis(state);
  if (from === undefined) return { state, genesis, blocks: [] };
  // the subnet's blocks are numbered as on its own chain, so that all it remembers by block keeps its distance
  const { number } = from.snapshot.block;
  const forked = new State(historyBlocks, number);
  for (const key of state.rawKeys('0x')) forked.putRaw(key, state.raw(key));
  forkSubnet(forked, from.snapshot, from);
  return { state: forked, genesis, blocks: [sealFork(forked, number, genesis)] };
}

const isSaved = (from: SavedState | SubnetFork): from is SavedState => 'storage' in from;
