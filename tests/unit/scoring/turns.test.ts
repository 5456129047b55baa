import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted } from '../../../src/model/verdict.js';
import { payOf } from '../../../src/scoring/index.js';
import { factsOf, newState, policyOf } from '../../support/scoring.js';

const LINK = toHotkey('link');
const CARD = toHotkey('card');
const EVENTS = 5;
const EPOCHS = 300;
/** so long that everybody has had a turn */
const FROM = 60;

const proven = (event: string, epoch: number, byTurn: boolean): Outcome => ({
  id: `${event} ${byTurn}`,
  event,
  eventBlock: 0,
  epoch,
  netuid: 1,
  validator: toHotkey('validator'),
  miner: byTurn ? LINK : CARD,
  kind: byTurn ? 'bandwidth' : 'compute',
  paramsId: '',
  slot: 0,
  verdict: accepted,
  measuredMs: 1,
  ownDelayMs: 0,
  credit: { opsPerS: 1 },
  share: 1,
  byTurn,
  at: 0,
});

/** What the link is paid of what the card is, both there at every event; `held` is what half of the stake gives at least. */
function paidOf(validators: number, memory: { readonly turnEpochs?: number }): number {
  const random = createSeededRandom(`turns of ${validators}`);
  const turns = Array.from({ length: EPOCHS * EVENTS }, () => random.below(validators));
  const states = Array.from({ length: validators }, () => newState(policyOf({ memory })));
  let paid = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const shares = states.map((state, self) => {
      for (let k = 0; k < EVENTS; k++) {
        const event = `${epoch * EVENTS + k}`;
        const ourTurn = turns[epoch * EVENTS + k] === self;
        state.outcome(proven(event, epoch, false));
        if (ourTurn) state.outcome(proven(event, epoch, true));
        state.completed({ event, epoch, ourTurn });
      }
      const { worth } = payOf(state, { epoch, facts: factsOf([LINK, CARD]) });
      const [link, card] = [worth.get(LINK)!, worth.get(CARD)!];
      return { link: link / (link + card), card: card / (link + card) };
    });
    if (epoch < FROM) continue;
    // subtensor math.rs weighted_median with kappa of a half, each of one stake
    const cut = (of: 'link' | 'card'): number => {
      const given = shares.map((share) => share[of]).sort((a, b) => b - a);
      const held = given[Math.ceil(validators / 2) - 1]!;
      return given.reduce((sum, each) => sum + Math.min(each, held), 0);
    };
    paid += cut('link') / cut('card') / (EPOCHS - FROM);
  }
  return paid;
}

describe('a link that is always there, beside a card', () => {
  test.each([1, 5, 10, 24])('is paid as much, with %i validators who take turns', (validators) => {
    expect(paidOf(validators, {})).toBeCloseTo(1, 2);
  });

  test('would be paid nothing with many of them, were a turn forgotten after two epochs', () => {
    expect(paidOf(24, { turnEpochs: 1 })).toBeLessThan(0.05);
    expect(paidOf(10, { turnEpochs: 1 })).toBeLessThan(0.8);
  });
});
