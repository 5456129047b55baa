import { describe, expect, test } from 'vitest';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { assertPhases } from '../../../src/parameters/phases.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { assign } from '../../../src/validator/assign.js';
import { type Claim, candidates, roster } from '../../../src/validator/roster.js';
import { recordingLog } from '../../support/logs.js';
import { TOY_DESCRIPTION } from '../../support/sessions.js';
import { neuron, subnet } from '../../support/subnets.js';
import { TOY_PARAMS_ID, toyKind } from '../../support/toy-kind.js';

const axon = { ip: '127.0.0.1', port: 1 };
const STATE = subnet([
  neuron(0, { axon }),
  neuron(1, { axon }),
  neuron(2),
  neuron(3, { axon }),
  neuron(4, { axon }),
]);
const self = toHotkey('hotkey-1');
const { signal } = new AbortController();
const INPUT = { subnet: STATE, self, until: new Promise<void>(() => {}) };

const peerSaying = (slots: unknown): MinerPeer =>
  ({ describe: async () => ({ ...TOY_DESCRIPTION, slots }), close: () => {} }) as unknown as MinerPeer; // no sessions

describe('the roster', () => {
  test('holds who serves an axon, without ourselves and the owner', () => {
    expect(candidates(STATE, self).map(({ uid }) => uid)).toEqual([3, 4]);
  });

  test('knows a miner that does not answer, with no claims', async () => {
    const { log, messages } = recordingLog();
    const silent = { describe: () => Promise.reject(new AssayError('unreachable', 'no', { address: 'x' })) };
    const miners = roster(
      { peerOf: () => silent as unknown as MinerPeer, claims: new Map(), log },
      INPUT,
      signal,
    );
    expect(await Promise.all(miners.map(({ claims }) => claims))).toEqual([[], []]);
    expect(messages()).toEqual(['miner did not describe itself', 'miner did not describe itself']);
  });

  test('leaves out a miner whose address must not be called, and goes on with the others', async () => {
    const { log, messages } = recordingLog();
    const peerOf = ({ uid }: { uid: number }) => {
      if (uid === 3) throw new AssayError('insecure-address', 'plaintext to 8.8.8.8', { address: '8.8.8.8' });
      return peerSaying(TOY_DESCRIPTION.slots);
    };
    const miners = roster({ peerOf, claims: new Map(), log }, INPUT, signal);
    expect(miners.map(({ neuron: { uid } }) => uid)).toEqual([4]);
    expect(await miners[0]!.claims).toHaveLength(1);
    expect(messages()).toEqual(['miner cannot be called']);
  });

  test('takes from a description only claims that make sense, each index once, at most 64', async () => {
    const slot = (index: number, of = {}) => ({
      index,
      worker: 'w',
      kind: 'toy',
      paramsId: TOY_PARAMS_ID,
      ...of,
    });
    const claimed = async (slots: unknown) => {
      const parts = { peerOf: () => peerSaying(slots), claims: new Map(), log: silentLog };
      const [miner] = roster(parts, INPUT, signal);
      return (await miner!.claims).map(({ index, worker }) => `${index} ${worker}`);
    };
    expect(
      await claimed([
        slot(0),
        slot(0, { worker: 'again' }),
        slot(1, { paramsId: new Uint8Array(31) }),
        slot(2, { worker: 'x'.repeat(65) }),
        slot(3),
      ]),
    ).toEqual(['0 w', '3 w']);
    expect(await claimed(Array.from({ length: 100 }, (_, i) => slot(i)))).toHaveLength(64);
    expect(await claimed([])).toEqual([]);
  });
});

describe('a miner that does not answer in time', () => {
  const silent = () => ({ describe: () => new Promise(() => {}) }) as unknown as MinerPeer; // says nothing
  const gone = Promise.resolve();

  test('is taken at its last word: silence is no way out of being challenged', async () => {
    const claims = new Map<string, readonly Claim[]>();
    const asked = (peerOf: () => MinerPeer, until: Promise<void>, state = STATE) =>
      Promise.all(
        roster({ peerOf, claims, log: silentLog }, { subnet: state, self, until }, signal).map(
          async (miner) => (await miner.claims).length,
        ),
      );
    expect(await asked(silent, gone)).toEqual([0, 0]);
    expect(await asked(() => peerSaying(TOY_DESCRIPTION.slots), INPUT.until)).toEqual([1, 1]);
    expect(await asked(silent, gone)).toEqual([1, 1]);
    const moved = subnet([neuron(0, { axon }), neuron(3, { axon: { ...axon, port: 2 } })]);
    expect(await asked(silent, gone, moved)).toEqual([0]);
  });

  test('is noted for the next time', async () => {
    const claims = new Map<string, readonly Claim[]>();
    let answer = (_description: unknown) => {};
    const late = {
      describe: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    } as unknown as MinerPeer;
    const only = subnet([neuron(0, { axon }), neuron(3, { axon })]);
    const parts = { peerOf: () => late, claims, log: silentLog };
    const [miner] = roster(parts, { subnet: only, self, until: gone }, signal);
    expect(await miner!.claims).toEqual([]);
    answer(TOY_DESCRIPTION);
    await Promise.resolve();
    await Promise.resolve();
    expect([...claims.keys()]).toEqual(['hotkey-3 127.0.0.1:1']);
  });
});

describe('assign', () => {
  const claim = { index: 0, worker: 'w', kind: 'toy', paramsId: '11'.repeat(32) };
  const kinds = { toy: toyKind() };
  const on = (
    type: 'live' | 'local' | 'development',
    change: Partial<Parameters<typeof assign>[1]> = {},
  ) => ({
    chain: { type, blockTimeMs: 250 },
    hold: { first: 20, last: 22 },
    isOurTurn: true,
    log: silentLog,
    ...change,
  });

  test('makes a task of every claim under a kind and parameters that we know', () => {
    const claims = [claim, { ...claim, kind: 'unheard-of' }, { ...claim, paramsId: '22'.repeat(32) }];
    const tasks = assign(kinds, on('local'), neuron(3), claims);
    expect(tasks.map((task) => task.claim)).toEqual([claim]);
    expect(tasks[0]!.facts.phases).toEqual([{ from: 'go', withinMs: 1000 }]);
  });

  test('challenges no simulated device on a live chain', () => {
    expect(assign(kinds, on('live'), neuron(3), [claim])).toEqual([]);
    expect(assign(kinds, on('development'), neuron(3), [claim])).toHaveLength(1);
  });

  test('lets no more slots of one hotkey meet others than a draw can bear; of other kinds it takes all', () => {
    const claims = [0, 1, 2, 3].map((index) => ({ ...claim, index }));
    const meeting = { toy: toyKind({ round: {} as never }) };
    const indices = (tasks: ReturnType<typeof assign>) => tasks.map((task) => task.claim.index);
    expect(indices(assign(meeting, on('local'), neuron(3), claims))).toEqual([0, 1]);
    expect(indices(assign(kinds, on('local'), neuron(3), claims))).toEqual([0, 1, 2, 3]);
  });

  test('challenges no slot whose phases of Go are not over when the Pass comes, and says what to raise', () => {
    const steps = { ...claim, paramsId: '12'.repeat(32) };
    const assigned = (first: number) => {
      const { log, lines } = recordingLog();
      const rules = on('development', { hold: { first, last: first }, log });
      return [assign(kinds, rules, neuron(3), [claim, steps]).length, lines.map(({ msg }) => msg)];
    };
    // 250 ms of our own, 3000 ms and a hundredth, 100 ms for reading
    expect(assigned(14)).toEqual([2, []]);
    expect(assigned(13)).toEqual([1, ['slot not challenged: raise holdBlocks.first']]);
  });

  test('challenges slots that meet others at our turn only', () => {
    const meeting = { toy: toyKind({ round: {} as never }) };
    expect(assign(meeting, on('development'), neuron(3), [claim])).toHaveLength(1);
    expect(assign(meeting, on('development', { isOurTurn: false }), neuron(3), [claim])).toEqual([]);
    expect(assign(kinds, on('development', { isOurTurn: false }), neuron(3), [claim])).toHaveLength(1);
  });
});

test('a window longer than miners of other sets keep their slots for is a bug of the kind', () => {
  const kind = toyKind();
  expect(() => assertPhases({ toy: kind })).not.toThrow();
  const slow = {
    ...kind,
    facts: () => ({
      ...kind.facts(kind.table.values().next().value),
      phases: [{ from: 'go' as const, withinMs: 10_001 }] as const,
    }),
  };
  expect(() => assertPhases({ toy: slow })).toThrow(
    /toy.toy: expected a window in ms of at most 10000, got 10001/,
  );
});
