// Owns: what the policy pays, on paper: outcomes in, shares out. Does not own: how outcomes come about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepted, rejected, toColdkey, toHex, toHotkey, type Verdict } from 'assay/model';
import { createScoringState, type Facts, payOf, policyDigest } from 'assay/scoring';
import { paramsId, readParameterFile } from 'assay/verification';
import { EXAMPLE } from '../src/hash-cells/params.js';
import { policy } from '../src/policy.js';
import { files, kinds, parameterFile } from '../src/subnet.js';

const OWNER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const ONE = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
const TWO = toHotkey('5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y');
const NOMINAL = 16_777_216;

/** One event in one epoch, and what it pays. */
function paid(outcomes: readonly { miner: typeof ONE; hashBytesPerS: number; verdict?: Verdict }[]) {
  const state = createScoringState(policy);
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

test('the files that the owner publishes name one another', () => {
  const byName = Object.fromEntries(kinds.map((kind) => [kind.kind, kind]));
  const { policy: named, sets } = readParameterFile(parameterFile, byName);
  assert.equal(named, policyDigest(policy));
  assert.deepEqual(
    sets.map(({ params }) => params),
    [EXAMPLE],
  );
  assert.ok(files.has(named), 'and the policy itself is among them');
});
