import { beforeAll, describe, expect, test } from 'vitest';
import type { Generated, Wanted } from '../../../../src/inference/generate.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { createWork, type Make } from '../../../../src/miner/rollouts/work.js';
import { silentLog } from '../../../../src/model/log.js';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';
import { decodeFile, rolloutsOf } from '../../../../src/verification/rollouts/file.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import { createHandClock } from '../../../support/hand-clock.js';
import { mine, POLICY, signal, tableEnvironment, windowOf } from '../../../support/table-rollouts.js';

beforeAll(readyKeys);

const policy = { ...POLICY, rolloutsPerGroup: 2 };
const ended = ({ group, index }: Pick<Wanted, 'group' | 'index'>): Generated => ({
  group,
  index,
  stop: 'eos',
  tokens: Uint32Array.of(group, index, 63),
});

const placesOf = (rollouts: readonly Pick<Rollout, 'group' | 'index'>[] | undefined) =>
  rollouts?.map(({ group, index }) => `${group}/${index}`);

/** What is handed in after `seconds` of work. */
async function handedIn(
  seconds: number,
  make: (clock: ReturnType<typeof createHandClock>) => Make | undefined,
  quota = 100,
): Promise<Rollout[] | undefined> {
  const clock = createHandClock();
  const parts = { modelOf: async () => createTableModel(), environment: tableEnvironment(), log: silentLog };
  const work = createWork(
    { ...parts, keypair: devKeypair('miner'), clock, make: make(clock) },
    { policy, quota, batch: 3 },
  );
  const until = clock.now() + 1000 * seconds;
  const submission = await work({ context: windowOf(1, policy) }, until, signal);
  if (!submission) return undefined;
  const { manifest } = submission.signed;
  const read = decodeFile(submission.file, { ...manifest, maxTokens: policy.maxTokens });
  if (read.kind === 'refused') throw new Error(read.reason);
  const rollouts = [...rolloutsOf(read.value)];
  expect(rollouts).toHaveLength(2 * manifest.groups);
  return rollouts;
}

describe("a miner's work for a window", () => {
  test('is all of its quota where there is time, whatever the order in which rollouts end', async () => {
    const backwards = (): Make =>
      async function* ({ wanted, batch }) {
        expect(batch).toBe(3);
        yield { ended: [...wanted].reverse().map(ended) };
      };
    const places = placesOf(await handedIn(10, backwards, 7));
    expect(places).toEqual(['0/0', '0/1', '1/0', '1/1', '2/0', '2/1']);
  });

  test('ends with its time: whole groups before the first that was not done', async () => {
    const slow = (clock: ReturnType<typeof createHandClock>): Make =>
      async function* ({ wanted }) {
        const all = wanted[Symbol.iterator]();
        const begin = (): Wanted => all.next().value as Wanted; // there is time
        const [a, b, straggler, c, d, e] = [begin(), begin(), begin(), begin(), begin(), begin()];
        clock.advance(1000);
        yield { ended: [a, b].map(ended) };
        clock.advance(1000);
        yield { ended: [c, d, e].map(ended) };
        clock.advance(8000);
        yield { ended: [ended(straggler)] };
        throw new Error('nobody waits any more');
      };
    expect(placesOf(await handedIn(10, slow))).toEqual(['0/0', '0/1']);
    expect(
      await handedIn(
        10,
        (clock) =>
          async function* ({ wanted }) {
            for (const _ of wanted) clock.advance(10_000);
            yield { ended: [] };
          },
      ),
    ).toBeUndefined();
  });

  test('begins no group that would not end in time if it took half as long again as the longest', async () => {
    const steady = (clock: ReturnType<typeof createHandClock>): Make =>
      async function* ({ wanted }) {
        for (const one of wanted) {
          clock.advance(1000);
          yield { ended: [ended(one)] };
        }
      };
    // two seconds a group, begun at 0, 2, 4 and 6; at 8 three seconds more are too many
    expect(await handedIn(11, steady)).toHaveLength(8);
    expect(await handedIn(11.5, steady)).toHaveLength(10);
  });

  test('begins none while one that is not done yet is already too old', async () => {
    let asked = 0;
    const stuck = (clock: ReturnType<typeof createHandClock>): Make =>
      async function* ({ wanted }) {
        let first: Wanted | undefined;
        for (const one of wanted) {
          asked++;
          first ??= one;
          clock.advance(1000);
          yield { ended: one === first ? [] : [ended(one)] };
        }
        yield { ended: [ended(first!)] };
      };
    // the group begun first is eight seconds old, and a new one might take twelve
    expect(await handedIn(20, stuck)).toHaveLength(8);
    expect(asked).toBe(8);
  });

  test('is what the stream demands, though rollouts join as others end', async () => {
    const all = await mine(windowOf(1, policy), { policy, groups: 10 });
    expect(new Set(all.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(5);
    expect(await handedIn(10, () => undefined, 20)).toEqual(all);
  });
});
