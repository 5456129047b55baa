// Owns: scores as people write them: `uid:score` or `hotkey:score`, in a flag or a JSON file. Does not own: rows (chain/weights).
import { z } from 'zod';
import type { Subnet } from '../chain/chain.js';
import { fromAddress } from '../keys/ss58.js';
import type { Hotkey } from '../model/ids.js';
import { readInputJson } from './input-text.js';
import { invalid } from './invalid-input.js';

/** 4096 neurons with an address each are less. */
const MAX_BYTES = 1 << 20;

/** By uid or hotkey, as written; never twice. */
export type Scores = ReadonlyMap<string, number>;

/**
 * @param text `0:1,3:0.5`: uids or hotkeys with numbers of at least 0; the scale does not matter
 * @throws AssayError `invalid-input`
 */
export function parseScores(text: string): Scores {
  const scores = new Map<string, number>();
  for (const entry of text.split(',')) {
    const [, who, score] = /^\s*(\S+?)\s*:\s*(\d{1,15}(?:\.\d{1,15})?)\s*$/.exec(entry) ?? [];
    if (who === undefined || score === undefined)
      throw invalid(
        '--weights',
        'uid:score or hotkey:score with commas between, such as 0:1,3:0.5',
        entry.slice(0, 80),
      );
    add(scores, who, Number(score), '--weights');
  }
  return scores;
}

const file = z.record(z.string().max(64), z.number().min(0).max(1e15));

/** @param path JSON object of uid or hotkey to score; `-` for standard input. @throws AssayError `invalid-input` */
export async function readScores(path: string): Promise<Scores> {
  const parsed = file.safeParse(await readInputJson(path, { maxBytes: MAX_BYTES }));
  if (!parsed.success)
    throw invalid(
      path,
      'a JSON object of uid or hotkey to a number of at least 0',
      'something else',
      parsed.error,
    );
  const scores = new Map<string, number>();
  for (const [who, score] of Object.entries(parsed.data)) add(scores, who, score, path);
  if (scores.size === 0) throw invalid(path, 'at least one score', 'none');
  return scores;
}

function add(scores: Map<string, number>, who: string, score: number, what: string): void {
  if (!/^\d{1,5}$/.test(who)) assertAddress(who, what);
  const key = /^\d+$/.test(who) ? String(Number(who)) : who;
  if (scores.has(key)) throw invalid(what, 'each neuron once', `${key} twice`);
  scores.set(key, score);
}

function assertAddress(who: string, what: string): void {
  try {
    fromAddress(who);
  } catch (error) {
    throw invalid(what, 'a uid or a hotkey’s address', who.slice(0, 64), error);
  }
}

/**
 * By hotkey, which is what scores are about: a uid may be another's tomorrow.
 * @throws AssayError `invalid-input` for who is not in the subnet, and for one named by uid and hotkey
 */
export function scoresByHotkey(
  scores: Scores,
  { netuid, neurons }: Pick<Subnet, 'netuid' | 'neurons'>,
): ReadonlyMap<Hotkey, number> {
  const known = new Map<string, Hotkey>();
  for (const { uid, hotkey } of neurons) known.set(String(uid), hotkey).set(hotkey, hotkey);
  const found = new Map<Hotkey, number>();
  for (const [who, score] of scores) {
    const hotkey = known.get(who);
    if (hotkey === undefined)
      throw invalid('weights', `neurons of subnet ${netuid}, which has ${neurons.length}`, who);
    if (found.has(hotkey)) throw invalid('weights', 'each neuron once', `${hotkey} by uid and by hotkey`);
    found.set(hotkey, score);
  }
  return found;
}
