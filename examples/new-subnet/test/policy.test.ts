// Owns: what the policy pays, on paper: outcomes in, shares out. Does not own: how outcomes come about.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { accepted, rejected, toColdkey, toHex, toHotkey, type Verdict } from 'assay/model';
import { createScoringState, deterrence, type Facts, payOf, readPolicy } from 'assay/scoring';
import { paramsId } from 'assay/verification';
import { EXAMPLE } from '../src/hash-cells/params.js';
import subnet from '../src/subnet.js';

// of the project, where `npm test` runs
const FILE = readFileSync('policy.json');
const { rules } = subnet;
const policy = readPolicy(FILE, { 'hash-cells': [EXAMPLE.class] }, rules);

const OWNER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const ONE = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
const TWO = toHotkey('5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y');
const NOMINAL = 16_777_216;

/** One event in one epoch, and what it pays. */
function paid(outcomes: readonly { miner: typeof ONE; hashBytesPerS: number; verdict?: Verdict }[]) {
  const state = createScoringState(policy, { rules });
  const event = { event: 'e1', epoch: 1 };
  state.started(event);
  for (const { miner, hashBytesPerS, verdict = accepted } of outcomes)
    state.outcome({
      ...event,
      miner,
      slot: 0,
      kind: 'hash-cells',
      paramsId: toHex(paramsId(EXAMPLE)),
      verdict,
      credit: verdict.kind === 'accepted' ? { hashBytesPerS } : {},
      share: verdict.kind === 'accepted' ? hashBytesPerS / NOMINAL : 0,
      simulated: EXAMPLE.localnetOnly,
    });
  state.completed(event);
  const neurons = new Map([ONE, TWO].map((hotkey) => [hotkey, { coldkey: toColdkey(hotkey) }]));
  const facts: Facts = { neurons, owner: OWNER };
  const pay = payOf(state, { epoch: 1, facts });
  const percent = (share: bigint): number => Number((share * 10_000n) / pay.total) / 100;
  return {
    one: percent(pay.shares.get(ONE)!),
    two: percent(pay.shares.get(TWO)!),
    burned: percent(pay.burned.explicit),
    why: (hotkey: typeof ONE) => pay.reasons.get(hotkey)?.zero,
  };
}

test('pays in proportion to what was proven, after a tenth is burned', () => {
  const { one, two, burned } = paid([
    { miner: ONE, hashBytesPerS: 2 * NOMINAL },
    { miner: TWO, hashBytesPerS: NOMINAL },
  ]);
  assert.deepEqual([one, two, burned], [60, 30, 10]);
});

test('pays nothing to who proved less than half a slot, and says why', () => {
  const { one, two, why } = paid([
    { miner: ONE, hashBytesPerS: NOMINAL / 4 },
    { miner: TWO, hashBytesPerS: NOMINAL },
  ]);
  // the other's part shrinks too: what a slot misses burns, at most as much as it proved
  assert.deepEqual([one, two], [0, 75]);
  assert.equal(why(ONE), 'by-rule');
});

test('counts one slot as eight nominal ones at most', () => {
  const { one, two } = paid([
    { miner: ONE, hashBytesPerS: 80 * NOMINAL },
    { miner: TWO, hashBytesPerS: 8 * NOMINAL },
  ]);
  assert.deepEqual([one, two], [45, 45]);
});

test('pays nothing to who made up cells, and says why', () => {
  const { one, two, why } = paid([
    { miner: ONE, hashBytesPerS: NOMINAL, verdict: rejected('label') },
    { miner: TWO, hashBytesPerS: NOMINAL },
  ]);
  assert.deepEqual([one, two], [0, 90]);
  assert.equal(why(ONE), 'never-accepted');
});

test('nobody gains by spreading over names what it has', () => {
  assert.ok(deterrence(policy, rules).holds);
});

test('is refused where its rule is not known, and paid by no other', () => {
  assert.throws(
    () => readPolicy(FILE),
    /does not have the scoring rule at-least, version 1; .*--module FILE/,
  );
});
