import { describe, expect, test } from 'vitest';
import type { Devices } from '../../../src/compute/compute.js';
import { type Anchor, createAnchors } from '../../../src/validator/anchors.js';
import type { Task } from '../../../src/validator/assign.js';
import type { Round } from '../../../src/verification/proof.js';
import { createHandClock } from '../../support/hand-clock.js';
import { bytes32 } from '../../support/sessions.js';
import { neuron } from '../../support/subnets.js';
import { type ToyParams, toyKind } from '../../support/toy-kind.js';

const SELF = bytes32('self');
const BRIEF = Uint8Array.of(1);

/** What is told names the bytes a second that an end is to use; what came is how long it was at it. */
function setting(anchors: readonly Partial<Anchor>[]) {
  const clock = createHandClock();
  const left: number[] = [];
  const round = {
    offer: () => Uint8Array.of(7),
    anchor(devices, _params, told) {
      left.push(devices.leftMs());
      return { bytesPerS: told[0]!, commits: () => (told[0] === 9 ? undefined : [Uint8Array.of(told[0]!)]) };
    },
  } as Partial<Round<ToyParams>> as Round<ToyParams>;
  const kind = toyKind({ round }) as unknown as Task['kind'];
  const [params] = kind.table.values();
  const taskOf = (paramsId: string) =>
    ({
      neuron: neuron(1),
      claim: { index: 0, worker: 'host-1', kind: kind.kind, paramsId },
      kind,
      params,
      facts: kind.facts(params),
    }) as Task;
  const own = anchors.map((of) => ({ address: '192.0.2.1', devices: {} as Devices, ...of }));
  const { signal } = new AbortController();
  return { clock, left, taskOf, created: createAnchors({ clock, self: SELF, anchors: own }, signal) };
}

describe("a validator's own ends", () => {
  test('have what rounds of one event leave them', () => {
    const { created, taskOf } = setting([{ bytesPerS: 20 }, {}]);
    const [one, other] = [taskOf('one'), taskOf('other')];
    expect(created.participants(one).map(({ bytesPerS }) => bytesPerS)).toEqual([20, undefined]);
    created.begin(one, [Uint8Array.of(8), Uint8Array.of(3)]);
    expect(created.participants(other)).toMatchObject([
      { hotkey: SELF, coldkey: SELF, slot: 0, address: '192.0.2.1', offer: Uint8Array.of(7), bytesPerS: 12 },
      { slot: 1, bytesPerS: undefined },
    ]);
  });

  test('say of a round what they took in it, those that were told something and take', () => {
    const { created, taskOf } = setting([{}, {}, {}]);
    const [one, other] = [taskOf('one'), taskOf('other')];
    created.begin(one, [BRIEF, undefined, Uint8Array.of(9)]);
    created.begin(other, [undefined, Uint8Array.of(2), undefined]);
    expect(created.reports(one)).toEqual([{ hotkey: SELF, slot: 0, told: BRIEF, commits: [BRIEF] }]);
    expect(created.reports(other)).toMatchObject([{ slot: 1, commits: [Uint8Array.of(2)] }]);
    expect(created.reports(taskOf('third'))).toEqual([]);
  });

  test('are at it for as long as a round is, from when it was drawn', () => {
    const { clock, created, left, taskOf } = setting([{}]);
    clock.advance(5000);
    created.begin(taskOf('one'), [BRIEF]);
    expect(left).toEqual([taskOf('one').facts.phases[0].withinMs]);
  });

  test('stay away from kinds whose slots meet nobody', () => {
    const { created, taskOf } = setting([{}]);
    const task = { ...taskOf('one'), kind: toyKind() as unknown as Task['kind'] };
    expect(created.participants(task)).toEqual([]);
  });
});
