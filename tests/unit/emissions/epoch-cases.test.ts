import { describe, expect, it } from 'vitest';
import { type CaseCheck, checkEpochCase } from '../../../src/emissions/cases/check.js';
import { casesOf, parseEpochCases } from '../../../src/emissions/cases/parse.js';
import { runEpochCase } from '../../../src/emissions/cases/run.js';
import { formatEpochResults, readCaseText } from '../../../src/emissions/cases/text.js';
import fc from '../../support/properties.js';
import { yumaVectors } from './yuma-vectors.js';

type Json = Record<string, unknown>;

/** Validators 0 and 1 with permits, miners 2 to 4; an epoch at block 10. */
function subnet(
  change: { hyperparameters?: Json; initial?: Json; case?: Json } = {},
  ...steps: Json[]
): Json {
  return {
    id: 'subnet',
    n: 5,
    hyperparameters: { yuma3: true, max_validators: 2, tempo: 10, ...change.hyperparameters },
    initial: {
      block: 1,
      block_at_registration: [0, 0, 0, 0, 0],
      last_update: [1, 1, 1, 1, 1],
      validator_permits: [true, true, false, false, false],
      stakes: [600, 400, 0, 0, 0],
      ...change.initial,
    },
    steps: steps.length > 0 ? steps : [step([])],
    ...change.case,
  };
}

const step = (actions: readonly Json[], epoch_block = 10): Json => ({
  actions,
  epoch_block,
  rao_emission: 1000,
});
const weigh = (uid: number, uids: readonly number[], values: readonly number[], at_block = 5): Json => ({
  op: 'set_weights',
  uid,
  uids,
  values,
  at_block,
});

const run = (json: unknown) => runEpochCase(parseEpochCases(json)[0]!).steps;

describe('the actions of a case', () => {
  it('set weights: stored max-upscaled, so that only proportions count', () => {
    const of = (values: readonly number[]) =>
      run(subnet({}, step([weigh(0, [2, 3], values), weigh(1, [2, 3], values)])))[0]!;
    expect(of([1, 3]).incentive).toEqual([0, 0, 16_383, 49_151, 0]);
    expect(of([2, 6])).toEqual(of([1, 3]));
  });

  it('update the row that is set, and only that', () => {
    const registered = { initial: { block_at_registration: [0, 0, 4, 0, 0] } };
    const row = [[2, 65_535]];
    const set = run(subnet(registered, step([weigh(0, [2], [1]), weigh(1, [2], [1])])))[0]!;
    const raw = run(
      subnet(
        registered,
        step([
          { op: 'store_weights_raw', uid: 0, row },
          { op: 'store_weights_raw', uid: 1, row },
        ]),
      ),
    )[0]!;
    expect(set.incentive[2]).toBe(65_535);
    // its last update, block 1, is older than the registration of the miner
    expect(raw.incentive[2]).toBe(0);
  });

  it('store raw rows unscaled', () => {
    const [first] = run(
      subnet({}, step([{ op: 'store_weights_raw', uid: 0, row: [[2, 7]] }, weigh(1, [2], [3])])),
    );
    expect(first!.consensus).toEqual([0, 0, 65_535, 0, 0]);
  });

  it('set stake and tempo', () => {
    const [before, after] = run(subnet({}, step([]), step([{ op: 'set_stake', uid: 1, stake: 600 }])));
    expect(before!.stakeWeight).toEqual([39_320, 26_213, 0, 0, 0]);
    expect(after!.stakeWeight).toEqual([32_767, 32_767, 0, 0, 0]);

    // 13889 ‰ of tempo 1 are 13 blocks of activity, of tempo 10 they are 138
    const active = (tempo: number) =>
      run(
        subnet(
          {},
          step(
            [
              { op: 'set_tempo', tempo },
              { op: 'advance_to_block', block: 15 },
            ],
            15,
          ),
        ),
      )[0]!.active;
    expect(active(10)).toEqual([true, true, true, true, true]);
    expect(active(1)).toEqual([false, false, false, false, false]);
  });

  it('keep the earliest of a validator’s commits, which masks who registered later', () => {
    const both = [weigh(0, [2, 3], [1, 1]), weigh(1, [2, 3], [1, 1])];
    const commits = (...blocks: number[]) =>
      blocks.flatMap((commit_block) => [0, 1].map((uid) => ({ op: 'active_commit', uid, commit_block })));
    const registered = { initial: { block_at_registration: [0, 0, 3, 0, 0] } };
    const incentive = (change: Parameters<typeof subnet>[0], ...blocks: number[]) =>
      run(subnet({ ...registered, ...change }, step([...both, ...commits(...blocks)])))[0]!.incentive;
    expect(incentive({})).toEqual([0, 0, 32_767, 32_767, 0]);
    expect(incentive({}, 4, 2)).toEqual([0, 0, 0, 65_535, 0]);
    expect(incentive({}, 3)).toEqual([0, 0, 32_767, 32_767, 0]);
    expect(incentive({ hyperparameters: { commit_reveal: false } }, 2)).toEqual([0, 0, 32_767, 32_767, 0]);
  });

  it('reset every bond towards a uid', () => {
    const first = step([weigh(0, [2, 3], [1, 1]), weigh(1, [2, 3], [1, 1])]);
    const silent = step([weigh(0, [4], [0]), weigh(1, [4], [0])], 20);
    const reset = {
      ...silent,
      actions: [...(silent.actions as Json[]), { op: 'reset_bonds_to', uid: 2 }],
    };
    const kept = run(subnet({}, first, silent))[1]!;
    const dropped = run(subnet({}, first, reset))[1]!;
    // 3276 decays to nine tenths
    expect(kept.bonds[0]).toEqual([
      [2, 2948],
      [3, 2948],
    ]);
    expect(dropped.bonds.slice(0, 2)).toEqual([[[3, 2948]], [[3, 2948]]]);
  });

  it('register another neuron under a uid: nothing of the old one is left but bonds towards it', () => {
    const first = step([weigh(0, [2, 3], [1, 1]), weigh(1, [2, 3], [1, 1])]);
    const replace = (uid: number) =>
      run(subnet({}, first, step([{ op: 'deregister_and_register_new', uid, at_block: 15 }], 20)))[1]!;

    // a miner: its weights become an explicit 0, with which its bonds would decay, had it not registered since
    expect(replace(2).incentive).toEqual([0, 0, 0, 65_535, 0]);
    expect(replace(2).bonds[0]).toEqual([[3, 9501]]);

    const validator = replace(1);
    expect(validator.stakeWeight).toEqual([65_535, 0, 0, 0, 0]);
    expect(validator.newPermits).toEqual([true, false, false, false, false]);
    expect(validator.validatorTrust).toEqual([65_535, 0, 0, 0, 0]);
    expect(validator.bonds[1]).toEqual([]);

    // its commit went with its hotkey
    const [, after] = run(
      subnet(
        {},
        step([{ op: 'active_commit', uid: 1, commit_block: 2 }]),
        step(
          [
            { op: 'deregister_and_register_new', uid: 1, at_block: 11 },
            { op: 'deregister_and_register_new', uid: 2, at_block: 11 },
            { op: 'set_stake', uid: 1, stake: 400 },
            { op: 'set_stake', uid: 0, stake: 100 },
          ],
          12,
        ),
        step([weigh(1, [2], [1], 13)], 14),
      ),
    ).slice(1);
    expect(after!.incentive[2]).toBe(65_535);
  });
});

describe('a case', () => {
  it('runs its warm-up first, which grants permits and leaves no step', () => {
    const fresh = { initial: { validator_permits: [false, false, false, false, false] } };
    const weighed = step([weigh(0, [2], [1]), weigh(1, [2], [1])]);
    expect(run(subnet(fresh, weighed))[0]!.incentive[2]).toBe(0);
    const warm = run(
      subnet({ ...fresh, case: { warmup: { epoch_block: 2, note: 'grants permits' } } }, weighed),
    );
    expect(warm).toHaveLength(1);
    expect(warm[0]!.incentive[2]).toBe(65_535);
  });

  it('may stand alone or in a list, and be described at length', () => {
    const one = subnet({ case: { kind: 'epoch', source: { file: 'x' }, matches_reference: true } });
    expect(parseEpochCases({ meta: {}, cases: [one] })).toEqual(parseEpochCases(one));
    expect(parseEpochCases({ ...one, id: undefined })[0]!.id).toBe('case 0');
    const described = { source: [1], description: 2, note: null, tolerance_note: {}, kind: 3 };
    const full = subnet(
      { case: { ...described, tolerance: 1, warmup: { epoch_block: 2, ...described } } },
      {
        ...step([]),
        ...described,
        matches_reference: false,
        tolerance: 0.1,
      },
    );
    expect(parseEpochCases(full)[0]!.steps).toHaveLength(1);
  });

  it('has the defaults of the chain for what it leaves out', () => {
    expect(parseEpochCases(subnet({ hyperparameters: { tempo: undefined } }))[0]!.hyperparameters).toEqual({
      kappa: 32_767,
      bondsMovingAverage: 900_000,
      bondsPenalty: 65_535,
      activityCutoffFactorMilli: 13_889,
      liquidAlpha: false,
      yuma3: true,
      alphaLow: 45_875,
      alphaHigh: 58_982,
      alphaSigmoidSteepness: 1000,
      stakeThresholdRao: 0n,
      commitReveal: true,
      ownerUid: undefined,
      tempo: 360,
      maxValidators: 2,
      lastMechanismStep: 0,
    });
  });

  it('is not read beyond what it does: expectations of any form stay where they are', () => {
    const stated = step([{ ...weigh(0, [2], [1]), stored: 'anything' }]);
    const odd = { ...stated, computed: 5, expected_upstream: [null] };
    expect(run(subnet({}, odd))).toEqual(run(subnet({}, stated)));
  });
});

describe('a case that is wrong', () => {
  const bad = (name: string, json: unknown, message: string) =>
    it(`is refused by path: ${name}`, () => {
      expect(() => parseEpochCases({ cases: [subnet(), json] })).toThrow(
        expect.objectContaining({ code: 'invalid-input', message: `cases[1]${message}` }),
      );
    });
  const hyper = (change: Json) => subnet({ hyperparameters: change });
  const stakes = (...list: unknown[]) => subnet({ initial: { stakes: [...list, 0, 0, 0].slice(0, 5) } });
  const act = (...actions: Json[]) => subnet({}, step([]), step(actions));

  bad('no neurons', { ...subnet(), n: 0 }, '.n: expected an integer from 1 to 65535, got 0');
  bad('tempo 0', hyper({ tempo: 0 }), '.hyperparameters.tempo: expected an integer from 1 to 65535, got 0');
  bad(
    'tempo 0 later',
    act({ op: 'set_tempo', tempo: 0 }),
    '.steps[1].actions[0].tempo: expected an integer from 1 to 65535, got 0',
  );
  bad(
    'an unknown hyperparameter',
    hyper({ kapa: 1 }),
    '.hyperparameters.kapa: expected a known key, got "kapa"',
  );
  bad(
    'a hyperparameter out of range',
    hyper({ kappa: 65_536 }),
    '.hyperparameters.kappa: expected an integer from 0 to 65535, got 65536',
  );
  bad(
    'a moving average above 1',
    hyper({ bonds_moving_average: 1_000_001 }),
    '.hyperparameters.bonds_moving_average: expected an integer from 0 to 1000000, got 1000001',
  );
  bad(
    'crossed alpha values, which the chain refuses',
    hyper({ alpha_low: 60_000 }),
    '.hyperparameters.alpha_low: expected at most alpha_high (58982), got 60000',
  );
  bad(
    'a hyperparameter without one default',
    hyper({ yuma3: undefined }),
    '.hyperparameters.yuma3: expected true or false, got nothing',
  );
  bad(
    'an owner that does not exist',
    hyper({ owner_uid: 5 }),
    '.hyperparameters.owner_uid: expected a uid below 5, got 5',
  );
  bad(
    'a stake with a fraction',
    stakes(0, 1.5),
    '.initial.stakes[1]: expected whole rao from 0 to 21000000000000000, got 1.5',
  );
  bad(
    'a stake that is no number',
    stakes(Number.NaN),
    '.initial.stakes[0]: expected whole rao from 0 to 21000000000000000, got NaN',
  );
  bad(
    'a stake that a double cannot hold',
    stakes(0, 0, 2 ** 53),
    '.initial.stakes[2]: expected whole rao beyond 2^53 as a decimal string, got 9007199254740992',
  );
  bad(
    'a stake above the supply',
    stakes('21000000000000001'),
    '.initial.stakes[0]: expected whole rao from 0 to 21000000000000000, got 21000000000000001',
  );
  bad(
    'stakes that together are above the supply',
    stakes('21000000000000000', 1),
    '.initial.stakes: expected at most 21000000000000000 rao together, got 21000000000000001',
  );
  bad(
    'a stake that is put above the supply',
    act({ op: 'set_stake', uid: 2, stake: '20999999999999001' }),
    '.steps[1].actions[0].stake: expected at most 21000000000000000 rao together, got 21000000000000001',
  );
  bad(
    'a negative emission',
    subnet({}, { ...step([]), rao_emission: -1 }),
    '.steps[0].rao_emission: expected whole rao from 0 to 21000000000000000, got -1',
  );
  bad(
    'a list of another length',
    subnet({ initial: { last_update: [1] } }),
    '.initial.last_update: expected 5 entries, one for each uid, got 1',
  );
  bad(
    'a weight towards nobody',
    act(weigh(0, [2, 7], [1, 1])),
    '.steps[1].actions[0].uids[1]: expected a uid below 5, got 7',
  );
  bad(
    'a stored weight towards nobody',
    act({ op: 'store_weights_raw', uid: 0, row: [[9, 1]] }),
    '.steps[1].actions[0].row[0][0]: expected a uid below 5, got 9',
  );
  bad(
    'weights of nobody',
    act(weigh(5, [2], [1])),
    '.steps[1].actions[0].uid: expected a uid below 5, got 5',
  );
  bad(
    'a uid weighed twice',
    act(weigh(0, [2, 2], [1, 1])),
    '.steps[1].actions[0].uids[1]: expected a uid that the row does not name yet, got 2',
  );
  bad(
    'a uid without its value',
    act(weigh(0, [2, 3], [1])),
    '.steps[1].actions[0].values: expected 2 entries, one for each of uids, got 1',
  );
  bad(
    'a weight that is no u16',
    act(weigh(0, [2], [65_536])),
    '.steps[1].actions[0].values[0]: expected an integer from 0 to 65535, got 65536',
  );
  bad(
    'an unknown op',
    act({ op: 'set_weight', uid: 0 }),
    '.steps[1].actions[0].op: expected an action with one of the known ops, got set_weight',
  );
  bad(
    'an action with a key too many',
    act({ op: 'set_tempo', tempo: 1, uid: 0 }),
    '.steps[1].actions[0].uid: expected a known key, got "uid"',
  );
  bad(
    'the owner deregistered, which the chain does not do',
    {
      ...act({ op: 'deregister_and_register_new', uid: 1, at_block: 3 }),
      hyperparameters: { yuma3: true, max_validators: 2, owner_uid: 1 },
    },
    ".steps[1].actions[0].uid: expected a uid that is not the owner's, which the chain never replaces, got 1",
  );
  bad('an id that is no text', { ...subnet(), id: 7 }, '.id: expected text, got 7');
  bad(
    'a key of a case that is misspelt',
    { ...subnet(), warm_up: { epoch_block: 2 } },
    '.warm_up: expected warmup, or another name, got an object',
  );
  bad(
    'a key of a warm-up that is misspelt',
    { ...subnet(), warmup: { epoch_block: 2, raoEmission: 5 } },
    '.warmup.raoEmission: expected rao_emission, or another name, got 5',
  );
  bad(
    'a key of a step that is misspelt',
    subnet({}, { ...step([]), expected: {} }),
    '.steps[0].expected: expected expected_upstream, or another name, got an object',
  );
  bad('no object', null, ': expected an object, got null');

  it('is told without a prefix where it is the whole file', () => {
    expect(() => parseEpochCases({ ...subnet(), n: 0 })).toThrow(
      'n: expected an integer from 1 to 65535, got 0',
    );
    expect(() => parseEpochCases([])).toThrow('case: expected an object, got a list of 0');
    expect(() => parseEpochCases({ cases: {} })).toThrow('cases: expected a list, got an object');
  });
});

describe('the text of a case', () => {
  const rao = fc.bigInt({ min: 0n, max: 21_000_000_000_000_000n });

  it('keeps every digit of an amount, as a JSON integer or as a string', () => {
    fc.assert(
      fc.property(rao, fc.boolean(), (stake, quoted) => {
        const text = JSON.stringify(subnet({ initial: { stakes: ['@', 0, 0, 0, 0] } }));
        const [epochCase] = parseEpochCases(
          readCaseText(text.replace('"@"', quoted ? `"${stake}"` : `${stake}`)),
        );
        expect(epochCase!.initial.stakesRao[0]).toBe(stake);
      }),
    );
  });

  it('writes every digit of what was earned, without quotes', () => {
    const stakes = ['20999999999999999', 0, 0, 0, 0];
    const all = { ...step([]), rao_emission: '20999999999999999' };
    const [epochCase] = parseEpochCases(subnet({ initial: { stakes } }, all));
    const text = formatEpochResults([runEpochCase(epochCase!)]);
    expect(text).toContain('"emission":[20999999999999999,0,0,0,0]');
    expect(readCaseText(text)).toMatchObject({
      cases: [{ steps: [{ emission: ['20999999999999999', 0, 0, 0, 0] }] }],
    });
  });

  it('is the JSON it was where every integer is safe, whatever its strings hold', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/\d{16}/.test(text));
        expect(readCaseText(text)).toEqual(JSON.parse(text));
      }),
    );
    const strings = JSON.stringify({
      a: '9007199254740993',
      'b"9007199254740993\\': 'NaN',
      c: 0.12345678901234568,
    });
    expect(readCaseText(strings)).toEqual(JSON.parse(strings));
  });

  it('says where NaN stands, and that other text is no JSON', () => {
    const text = JSON.stringify(subnet({ initial: { stakes: [0, '@', 0, 0, 0] } })).replace('"@"', 'NaN');
    expect(() => parseEpochCases(readCaseText(text))).toThrow(
      'initial.stakes[1]: expected whole rao from 0 to 21000000000000000, got NaN',
    );
    expect(() => readCaseText('{"n": 1,')).toThrow(/^case file: expected JSON/);
    expect(() => readCaseText('')).toThrow(/^case file: expected JSON/);
  });
});

describe('checking a case', () => {
  const check = (json: unknown): CaseCheck => {
    const [epochCase] = parseEpochCases(json);
    return checkEpochCase(casesOf(json)[0]!, epochCase!, runEpochCase(epochCase!));
  };
  /** incentive [0, 0, 16383, 49151, 0], bonds of one tenth of the weights */
  const stating = (expected: Json) =>
    subnet({}, { ...step([weigh(0, [2, 3], [1, 3]), weigh(1, [2, 3], [1, 3])]), ...expected });

  it('agrees with every vector, and says what it cannot compare', () => {
    const cases = parseEpochCases(yumaVectors);
    const checks = casesOf(yumaVectors).map((stated, i) =>
      checkEpochCase(stated, cases[i]!, runEpochCase(cases[i]!)),
    );
    expect(checks.map(({ difference }) => difference)).toEqual(cases.map(() => undefined));
    expect(checks.every(({ compared }) => compared > 0)).toBe(true);
    expect(checks.flatMap(({ notCompared }) => notCompared)).toEqual([
      'step 0 expected_upstream: server+validator emission ~= 1e9 (+-1000)',
      'step 0 expected_upstream.active_stake',
      'step 0 expected_upstream.normalized_combined_emission',
      'step 0 expected_upstream: validator_emission = [100000,300000,600000,0] +-2; server_emission all 0',
    ]);
  });

  it('agrees with the vectors where only upstream’s own expectations are left', () => {
    const upstreamOnly = {
      cases: yumaVectors.cases.map((one) => ({
        ...one,
        steps: one.steps.map((each) => ({ ...each, computed: undefined })),
      })),
    };
    const cases = parseEpochCases(upstreamOnly);
    const checks = casesOf(upstreamOnly).map((stated, i) =>
      checkEpochCase(stated, cases[i]!, runEpochCase(cases[i]!)),
    );
    expect(checks.map(({ difference }) => difference)).toEqual(cases.map(() => undefined));
  });

  it('compares computed exactly', () => {
    expect(check(stating({ computed: { incentive: [0, 0, 16_383, 49_151, 0] } }))).toEqual({
      compared: 5,
      difference: undefined,
      notCompared: [],
    });
    expect(check(stating({ computed: { incentive: [0, 0, 16_383, 49_150, 0] } })).difference).toEqual({
      id: 'subnet',
      step: 0,
      field: 'incentive',
      where: 'uid 3',
      expected: '49150',
      got: '49151',
    });
    const row = [
      [2, 1638],
      [3, 4915],
    ];
    expect(check(stating({ computed: { bonds: [row, row, [], [], []] } })).difference).toBeUndefined();
    expect(
      check(stating({ computed: { bonds: [row, row.slice(0, 1), [], [], []] } })).difference,
    ).toMatchObject({
      where: 'uid 1 towards uid 3',
      expected: 'no entry',
      got: '[3,4915]',
    });
  });

  it('compares upstream’s expectations exactly, and proportions within the tolerance', () => {
    const upstream = (expected_upstream: Json, tolerance?: number) =>
      check(stating({ expected_upstream, tolerance })).difference;
    expect(upstream({ incentive: { 3: 49_151 }, bonds: { '0,2': 1638, '0,4': 0 } })).toBeUndefined();
    expect(upstream({ bonds: { '1,2': 1637 } })).toMatchObject({ where: 'uid 1 towards uid 2', got: '1638' });
    expect(upstream({ 'incentive@prop': [0, 0, 0.25, 0.75, 0] }, 1e-4)).toBeUndefined();
    expect(upstream({ 'bonds@prop': { '0,3': 0.0751 } }, 1e-4)).toMatchObject({
      field: 'bonds',
      expected: '0.0751 ± 0.0001',
    });
  });

  it('takes no amount and no permit for a proportion, and says so', () => {
    const expected_upstream = {
      'emission@prop': [1],
      'new_permits@prop': [1],
      'rank@prop': [],
      'incentive@part': 1,
    };
    expect(check(stating({ expected_upstream, tolerance: 1 }))).toEqual({
      compared: 0,
      difference: undefined,
      notCompared: Object.keys(expected_upstream).map((key) => `step 0 expected_upstream.${key}`),
    });
  });

  it('compares what a set_weights action says is stored', () => {
    const stored = (row: readonly (readonly number[])[]) =>
      check(subnet({}, step([{ ...weigh(0, [2, 3], [1, 2]), stored: row }]))).difference;
    expect(
      stored([
        [2, 32_768],
        [3, 65_535],
      ]),
    ).toBeUndefined();
    expect(
      stored([
        [2, 32_767],
        [3, 65_535],
      ]),
    ).toMatchObject({
      field: 'stored',
      where: 'uid 0 towards uid 2',
      expected: '[2,32767]',
      got: '[2,32768]',
    });
  });

  it('refuses expectations that cannot be compared, by path', () => {
    const refused: readonly (readonly [Json, string])[] = [
      [{ computed: { rank: [] } }, 'steps[0].computed.rank'],
      [{ computed: { incentive: [0] } }, 'steps[0].computed.incentive: expected 5 entries'],
      [{ computed: { bonds: [[[1]], [], [], [], []] } }, 'steps[0].computed.bonds[0][0]'],
      [{ expected_upstream: { 'incentive@prop': [0, 0, 0, 0, 0] } }, 'steps[0].tolerance: expected a number'],
      [
        { expected_upstream: { incentive: { 5: 1 } } },
        'steps[0].expected_upstream.incentive.5: expected a key that is a uid',
      ],
      [
        { expected_upstream: { bonds: { 1: 1 } } },
        'steps[0].expected_upstream.bonds.1: expected a key "row,column"',
      ],
      [{ expected_upstream: { incentive: 'high' } }, 'steps[0].expected_upstream.incentive: expected a list'],
    ];
    for (const [expected, message] of refused) expect(() => check(stating(expected))).toThrow(message);
  });
});
