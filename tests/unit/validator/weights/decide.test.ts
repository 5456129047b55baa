import { describe, expect, test } from 'vitest';
import type { Neuron, PendingCommit, Subnet, WeightRow } from '../../../../src/chain/chain.js';
import { fromHex } from '../../../../src/model/bytes.js';
import { toUid } from '../../../../src/model/ids.js';
import type { Form, WeightsRecord } from '../../../../src/validator/weights/book.js';
import { decide, type Seen } from '../../../../src/validator/weights/decide.js';
import { NETUID, neuron, subnet } from '../../../support/subnets.js';

const ROW: WeightRow = [
  [0, 0],
  [1, 65535],
];
const COMMIT = 'ab'.repeat(32);
const AT = { block: 130, blockHash: 'cd'.repeat(32) };
const signed = { bytes: new Uint8Array([1]), hash: new Uint8Array(32), nonce: 0, deathBlock: 146 };
const sending = (form: Form) => ({ form, row: ROW, versionKey: 3n, head: 129, signed, commit: COMMIT });
const plain: PendingCommit = { kind: 'plain', hash: fromHex(COMMIT), epoch: 5, block: 130 };

const record = (more: Partial<WeightsRecord>): WeightsRecord => ({
  netuid: NETUID,
  mechanism: 0,
  epoch: 5,
  stage: 'computed',
  scores: [],
  refusals: 0,
  ...more,
});
const included = (form: Form, more: Partial<WeightsRecord> = {}) =>
  record({ stage: 'included', sending: sending(form), included: AT, commitEpoch: 5, ...more });

/** The epoch goes from 100 to 148, the head is 140, final is 138; uid 1 is ours and has a permit. */
function seen(
  more: Partial<Omit<Seen, 'subnet'>> & { own?: Partial<Neuron>; state?: Partial<Subnet> } = {},
): Seen {
  const { own, state, ...rest } = more;
  return {
    block: 140,
    finalized: 138,
    subnet: subnet([neuron(0), neuron(1, { validatorPermit: true, ...own })], state),
    uid: toUid(1),
    row: [],
    finalRow: [],
    finalPending: [],
    isOnChain: () => true,
    ...rest,
  };
}
const NEXT_EPOCH = { epochIndex: 6, lastEpochBlock: 148, nextEpochBlock: 196 };

describe('before anything was sent', () => {
  test('weights that the chain would take are sent', () => {
    expect(decide(record({}), seen())).toEqual({ do: 'send' });
  });

  test.each<[string, Parameters<typeof seen>[0], ReturnType<typeof decide>]>([
    [
      'without a permit',
      { own: { validatorPermit: false } },
      { do: 'wait', reason: 'no-permit', atBlock: 148 },
    ],
    [
      'under the rate limit',
      { own: { lastUpdate: 90 }, state: { weightsRateLimit: 100 } },
      { do: 'wait', reason: 'rate-limit', atBlock: 190 },
    ],
    [
      'with too little consensus stake',
      { own: { consensusStakeRao: 9n }, state: { stakeThresholdRao: 10n } },
      { do: 'wait', reason: 'stake-too-low' },
    ],
    ['when not registered', { uid: undefined }, { do: 'wait', reason: 'not-registered' }],
  ])('%s they wait, and say how long where the chain tells', (_, setting, next) => {
    expect(decide(record({}), seen(setting))).toEqual(next);
  });

  test('stake that the runtime does not tell is for the chain to judge', () => {
    const setting = { own: { consensusStakeRao: undefined }, state: { stakeThresholdRao: 10n } };
    expect(decide(record({}), seen(setting))).toEqual({ do: 'send' });
  });

  test('weights of an epoch that is over are never sent as those of the next', () => {
    expect(decide(record({}), seen({ state: NEXT_EPOCH }))).toEqual({ do: 'fail', reason: 'epoch-passed' });
  });

  test('what another process set with this hotkey is not set again', () => {
    expect(decide(record({}), seen({ own: { lastUpdate: 139, registeredAt: 1 } }))).toEqual({
      do: 'fail',
      reason: 'set-elsewhere',
    });
  });

  test('after refusals it is tried again ever later', () => {
    const refused = (refusals: number) => record({ refusals, refusedAt: 136, lastError: 'NotEnoughStake' });
    expect(decide(refused(2), seen())).toEqual({ do: 'send' });
    expect(decide(refused(3), seen())).toEqual({ do: 'wait', reason: 'NotEnoughStake', atBlock: 144 });
  });
});

describe('sent, and nobody knows what became of it', () => {
  const submitted = record({ stage: 'submitted', sending: sending('set') });
  test('within its epoch the same bytes are looked for and sent again', () => {
    expect(decide(submitted, seen())).toEqual({ do: 'resend' });
  });
  test('after its epoch nothing is sent: what lies in a pool is waited for until it is dead', () => {
    expect(decide(submitted, seen({ block: 145, state: NEXT_EPOCH }))).toEqual({
      do: 'wait',
      reason: 'epoch-passed',
      atBlock: 146,
    });
    // dead, and not final yet: a fork may still hold it
    expect(decide(submitted, seen({ block: 146, finalized: 144, state: NEXT_EPOCH }))).toMatchObject({
      do: 'wait',
    });
    expect(decide(submitted, seen({ block: 147, finalized: 145, state: NEXT_EPOCH }))).toEqual({
      do: 'resend',
    });
  });
});

describe('in a block', () => {
  test('a row is done when its block is final and the row is there', () => {
    expect(decide(included('set'), seen({ finalized: 129 }))).toMatchObject({ do: 'wait', atBlock: 130 });
    expect(decide(included('set'), seen({ finalRow: ROW }))).toEqual({ do: 'applied' });
  });
  test('a row that is another is said, not set again', () => {
    expect(decide(included('set'), seen({ finalRow: [[0, 1]] }))).toEqual({
      do: 'fail',
      reason: 'row-differs',
    });
  });
  test.each(['set', 'plain', 'timelocked'] as const)(
    'a fork that takes the block back makes %s undecided',
    (form) => {
      expect(decide(included(form), seen({ isOnChain: () => false }))).toEqual({ do: 'retracted' });
    },
  );
});

describe('a plain commit', () => {
  const commit = included('plain');
  test('waits for the epoch of its reveal', () => {
    expect(decide(commit, seen({ finalPending: [plain] }))).toEqual({
      do: 'wait',
      reason: 'hashed',
      atBlock: 148,
    });
  });
  test('is revealed in that epoch and in no other', () => {
    expect(decide(commit, seen({ finalPending: [plain], state: NEXT_EPOCH }))).toEqual({ do: 'reveal' });
    expect(decide(commit, seen({ finalPending: [plain], state: { ...NEXT_EPOCH, epochIndex: 7 } }))).toEqual({
      do: 'fail',
      reason: 'reveal-missed',
    });
  });
  test('that the chain does not have any more, though its block is final, is said', () => {
    expect(decide(commit, seen())).toEqual({ do: 'fail', reason: 'commit-vanished' });
    expect(decide(commit, seen({ finalized: 129 }))).toMatchObject({ do: 'wait' });
  });
  test('revealed is done when the row is there and final; a fork makes the reveal undecided', () => {
    const revealed = {
      ...commit,
      stage: 'revealed' as const,
      reveal: signed,
      revealed: { ...AT, block: 150 },
    };
    expect(decide(revealed, seen({ finalized: 151, finalRow: ROW, state: NEXT_EPOCH }))).toEqual({
      do: 'applied',
    });
    expect(decide(revealed, seen({ finalized: 151, state: NEXT_EPOCH }))).toMatchObject({
      reason: 'row-differs',
    });
    expect(decide(revealed, seen({ isOnChain: () => false }))).toEqual({ do: 'reveal-retracted' });
  });
});

describe('a time-locked commit', () => {
  const commit = included('timelocked');
  const finalPending: PendingCommit[] = [{ ...plain, kind: 'timelocked', revealRound: 9 }];
  test('is left to the chain, which applies it in the epoch after', () => {
    expect(decide(commit, seen({ finalPending }))).toEqual({ do: 'wait', reason: 'sealed', atBlock: 148 });
    expect(decide(commit, seen({ finalized: 150, finalRow: ROW, state: NEXT_EPOCH }))).toEqual({
      do: 'applied',
    });
  });
  test('is still tried while the round of the beacon is missing, and then lost', () => {
    expect(decide(commit, seen({ finalized: 149, finalPending, state: NEXT_EPOCH }))).toEqual({
      do: 'wait',
      reason: 'beacon-round-missing',
    });
    expect(
      decide(commit, seen({ finalized: 149, finalPending, state: { ...NEXT_EPOCH, epochIndex: 7 } })),
    ).toEqual({
      do: 'fail',
      reason: 'reveal-missed',
    });
  });
  test('that the chain dropped in silence is noticed', () => {
    const dropped = seen({ finalized: 150, finalRow: [[0, 7]], state: NEXT_EPOCH });
    expect(decide(commit, dropped)).toEqual({ do: 'fail', reason: 'reveal-failed' });
  });
  test('is judged only when the block that should have applied it is final', () => {
    expect(decide(commit, seen({ finalized: 147, state: NEXT_EPOCH }))).toMatchObject({
      do: 'wait',
      reason: 'not final yet',
    });
  });
  test('whose epoch went by unseen is told apart from one that failed', () => {
    const late = seen({ finalized: 250, state: { epochIndex: 8, lastEpochBlock: 244, nextEpochBlock: 292 } });
    expect(decide(commit, late)).toEqual({ do: 'fail', reason: 'reveal-unseen' });
  });
});
