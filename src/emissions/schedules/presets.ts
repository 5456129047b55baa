// Owns: schedules of known systems, as data. Does not own: what they compute (one file for each kind).
import type { ScheduleData } from './evaluate.js';

/** By name; each is what a file of that schedule would hold. */
export const SCHEDULE_PRESETS = {
  bitcoin: {
    kind: 'halving',
    about: 'Bitcoin: 50 a block, halved every 210,000 blocks, at 144 blocks a day',
    token: 'BTC',
    rewardPerBlock: '50',
    blocksPerHalving: 210_000,
    blocksPerDay: 144,
    decimals: 8,
    supplyCap: '21000000',
  },
  bittensor: {
    kind: 'issuance-halving',
    about:
      "A subnet's alpha from its first block: 1 a block, halved by issuance, the owner's cut 11796/65535",
    token: 'alpha',
    blocksPerDay: 7200,
    issuedBefore: '0',
    // 131070ths, as miners and validators halve an odd number of 65535ths. A talk says 15 % for owners and 50 % for
    // validators, which would leave miners 35 %; the chain pays 18/41/41.
    split: { of: 131_070, shares: { owner: 23_592, miner: 53_739, validator: 53_739 } },
  },
  morpheus: {
    kind: 'linear-decay',
    about:
      'Morpheus: 14,400 on day 1, 2.468994701 less every day until day 5,833, then a tail by what was burned',
    token: 'MOR',
    firstDay: '14400',
    decreasePerDay: '2.468994701',
    split: {
      of: 10_000,
      shares: { coders: 2400, capital: 2400, compute: 2400, community: 2400, protection: 400 },
    },
    // the nominal 42 million of the white paper's tail table; the decay itself ends 0.00116 below
    tail: { epochDays: 5833, supply: '42000000', burnedBps: 5000, circulatingBps: 1600 },
  },
  'heurist-boost': {
    kind: 'stake-boost',
    about: "Heurist: a miner's points times stake / 10,000, from 10,000 up to 100,000 staked",
    token: 'HUE',
    minimumStake: '10000',
    stakePerBoost: '10000',
    maximumStake: '100000',
    at: ['9999', '10000', '25000', '55000', '100000', '250000'],
  },
  'heurist-vesting': {
    kind: 'linear-vesting',
    about: 'Heurist: 3,650 esHUE become HUE evenly over 365 days',
    token: 'HUE',
    amount: '3650',
    days: 365,
  },
  yellowstone: {
    kind: 'budget-access',
    about: 'Yellowstone on day 91 of Morpheus: 1 % of the compute balance a day, shared by holders',
    token: 'MOR',
    supply: '1300289',
    balance: '312069',
    budgetBps: 100,
    tokenPrice: '50',
    pricePer1000: '0.0025',
    at: ['1', '10', '100', '1000'],
  },
} as const satisfies Readonly<Record<string, ScheduleData>>;

export type SchedulePresetName = keyof typeof SCHEDULE_PRESETS;
