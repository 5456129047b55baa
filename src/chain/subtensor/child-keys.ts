// Owns: who gives stake to whom on a subnet. Does not own: what stake follows from it.
import { type Hotkey, type Netuid, toHotkey } from '../../model/ids.js';
import type { ChildKeys, Relative } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asList, asNumber, asPair, asText } from './plain.js';
import { readAll, readOr } from './storage.js';
import { stateAt } from './subnet.js';

export async function readChildKeys(
  connection: Connection,
  hotkey: Hotkey,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<ChildKeys> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const [children, parents, [waiting, effectiveAt], take] = await readAll(
    connection,
    [
      readOr(runtime, MODULE, 'ChildKeys', [hotkey, netuid], asRelatives, []),
      readOr(runtime, MODULE, 'ParentKeys', [hotkey, netuid], asRelatives, []),
      readOr(
        runtime,
        MODULE,
        'PendingChildKeys',
        [netuid, hotkey],
        asPair(asRelatives, asNumber),
        NONE_PENDING,
      ),
      readOr(runtime, MODULE, 'ChildkeyTake', [hotkey, netuid], asNumber, 0),
    ],
    hash,
  );
  const isPending = effectiveAt > 0; // the default is ([], 0)
  return { children, parents, pending: isPending ? { children: waiting, effectiveAt } : undefined, take };
}

const NONE_PENDING: readonly [readonly Relative[], number] = [[], 0];

const asRelatives = (plain: unknown): readonly Relative[] =>
  asList(asPair(asBigint, asText))(plain).map(([proportion, hotkey]) => ({
    hotkey: toHotkey(hotkey),
    proportion,
  }));
