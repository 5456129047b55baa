import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerLedger } from '../../../src/cli/ledger-group.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { registerScoring } from '../../../src/cli/scoring-group.js';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import { toHex } from '../../../src/model/bytes.js';
import type { AssayError } from '../../../src/model/errors.js';
import { type Hotkey, toColdkey, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import {
  type Facts,
  POLICIES,
  parsePolicy,
  policyDigest,
  type ScoringPolicy,
} from '../../../src/scoring/index.js';
import type { EventEntry } from '../../../src/validator/ledger/entries.js';
import { openLedger } from '../../../src/validator/ledger/ledger.js';
import { scoreEpoch } from '../../../src/validator/score.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { builtInFile, encodeParameterFile } from '../../../src/verification/parameter-file.js';
import { evenly } from '../../support/own-rules.js';
import { bytes32, GENESIS, outcomeEntry } from '../../unit/validator/ledger/entry.js';

let folder: string;
beforeEach(async () => {
  await readyKeys();
  folder = mkdtempSync(join(tmpdir(), 'assay-scoring-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});
const inFolder = (...names: readonly string[]) => join(folder, ...names);

interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
  readonly error: AssayError | undefined;
}

async function assay(args: readonly string[], signal = new AbortController().signal): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  let code: number | undefined;
  let error: unknown;
  const program = new Command('assay').exitOverride();
  const work = async (command: (signal: AbortSignal) => Promise<number>) => {
    code = await command(signal);
  };
  registerScoring(program, work);
  registerLedger(program.command('validator'), work);
  await program.parseAsync(args, { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
    code = exitCodeOf(thrown);
  });
  vi.restoreAllMocks();
  return { code, out: written.stdout, err: written.stderr, error: error as AssayError | undefined };
}
const scoring = (...args: readonly string[]) => assay(['scoring', ...args]);
const validator = (...args: readonly string[]) => assay(['validator', ...args]);

function policyFile(change: object): string {
  const path = inFolder('policy.json');
  writeFileSync(path, JSON.stringify({ ...POLICIES.compute, ...change }));
  return path;
}

const FACTS: Facts = {
  owner: toHotkey('owner'),
  neurons: new Map(
    ['good', 'half', 'bad', 'owner'].map((name) => [toHotkey(name), { coldkey: toColdkey(`cold ${name}`) }]),
  ),
};

/** A policy of a rule that is in this module. */
const RULED_MODULE = new URL('../../support/own-rules.ts', import.meta.url).pathname;
const RULED = {
  ...POLICIES.compute,
  pools: [{ ...POLICIES.compute.pools[0], rule: { name: 'evenly', version: 2 } }],
};

/** Three epochs that were paid by a policy, that of this build unless another is given: `good` proved twice what `half` did, `bad` nothing. */
async function paidLedger(
  data: string,
  {
    uri = '//Validator',
    netuid = 2,
    bad = 'window',
    by = POLICIES.compute,
    alter = (row: [Hotkey, number][]) => row,
  }: {
    readonly uri?: string;
    readonly netuid?: number;
    readonly bad?: 'window' | 'projection';
    readonly by?: ScoringPolicy;
    readonly alter?: (row: [Hotkey, number][], epoch: number) => [Hotkey, number][];
  } = {},
): Promise<string> {
  const dir = inFolder(data, 'ledger');
  const keypair = keypairFromUri(uri);
  const random = createSeededRandom('paid');
  const ledger = await openLedger({ dir, genesisHash: GENESIS, netuid, keypair, random, log: silentLog });
  const policy = policyDigest(by);
  await ledger.saveParams(policy, by);
  for (const epoch of [1, 2, 3]) {
    const event = { event: toHex(bytes32(`${epoch}`)), epoch, block: 12 + epoch, basis: bytes32('basis') };
    const entry = (type: EventEntry['type']) => ledger.append({ type, ...event });
    await entry('event-started');
    for (const [miner, opsPerS, verdict] of [
      ['good', 1e15, accepted],
      ['half', 5e14, accepted],
      ['bad', 0, rejected(bad)],
    ] as const) {
      const made = outcomeEntry(`${uri} ${miner} ${epoch}`, { epoch, event: `${epoch}`, miner, verdict });
      const validator = toHotkey(keypair.address);
      const proven = opsPerS > 0 ? { credit: { opsPerS }, share: 1 } : {};
      await ledger.append({
        ...made,
        outcome: { ...made.outcome, ...proven, kind: 'toy', validator, netuid },
      });
    }
    await entry('event-completed');
    const row = alter(
      [...scoreEpoch(ledger, epoch, { policy: by, rules: [evenly] })!.pay(FACTS).u16] as [Hotkey, number][],
      epoch,
    );
    await ledger.append({ type: 'scored', epoch, block: 100 * epoch, policy, facts: FACTS, row });
  }
  await ledger.close();
  return inFolder(data);
}

describe('assay scoring', () => {
  test('a policy of this build is written once, read strictly, and said in words with every margin above 1', async () => {
    const out = inFolder('mine.json');
    expect((await scoring('init', 'mixed', '--out', out)).code).toBe(0);
    expect(await scoring('init', 'mixed', '--out', out)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/expected a file that is not there yet/) },
    });
    const { code, out: said } = await scoring('check', out, '--json');
    expect(code).toBe(0);
    const { digest, deterrence } = JSON.parse(said);
    expect(digest).toBe(policyDigest(POLICIES.mixed));
    expect(deterrence.holds).toBe(true);
    const told = deterrence.behaviours.filter(({ is }: { is: string }) => is === 'share' || is === 'shared');
    expect(told.length).toBeGreaterThan(40);
    for (const { margin, breakEven } of told) {
      expect(margin).toBeGreaterThan(1);
      expect(breakEven).toBeUndefined();
    }
    const text = (await scoring('check', out)).out;
    expect(text).toMatch(/cards +│ 45 %/);
    expect(text).toContain('After a rejection for seed, path,');
    expect(text).toMatch(/least margin \d.*: no lie pays that a proof can tell/);
    expect(JSON.parse((await scoring('schema')).out)).toMatchObject({ title: 'assay-scoring-policy/1' });
  });

  test('a policy with exponent 4 and small audits is said to pay lies, with the cheat that breaks even', async () => {
    const path = policyFile({
      pools: [{ name: 'rollouts', share: 1, credit: 'rollouts' }],
      rollouts: { price: 1 },
      pay: { exponent: 4 },
      audit: { unitsPerWindow: 1, vestedWindows: 1 },
    });
    const { code, out } = await scoring('check', path, '--json');
    expect(code).toBe(1);
    const { deterrence } = JSON.parse(out);
    const padded = deterrence.behaviours.find(
      ({ behaviour }: { behaviour: string }) => behaviour === 'rollouts/padded',
    );
    expect(padded.margin).toBeLessThan(1);
    expect(padded.breakEven).toBeGreaterThan(0);
    expect((await scoring('check', path)).out).toContain('LYING PAYS under this policy');
  });

  const schedule = { eventsPerEpoch: 2, leadBlocks: 2, eventBlocks: 12, publishLeadBlocks: 12 };

  test('a plan whose events are over before their openings is warned of, with the blocks that they need', async () => {
    const pools = [{ ...POLICIES.compute.pools[0], match: { kinds: ['compute'] } }];
    const check = async (change: object) => {
      const path = policyFile({ pools, schedule: { ...schedule, ...change } });
      const { out, code } = await scoring('check', path);
      return { code, out, eventTime: JSON.parse((await scoring('check', path, '--json')).out).eventTime };
    };
    // the longest window of the classes, and 150 s
    const needed = { needed: 13, lastOpeningMs: 152_000, blockTimeMs: 12_000 };
    const short = await check({});
    expect(short.out).toContain(
      'warning: schedule.eventBlocks: 12 blocks of 12 s are 144 s, and openings of an event may come until 152 s after its block. The next event can begin while they are still coming: honest slots miss windows then. Make it 13 or more.',
    );
    expect(short.eventTime).toEqual({ eventBlocks: 12, ...needed });
    const enough = await check({ eventBlocks: 13 });
    expect(enough.out).not.toContain('eventBlocks');
    expect(enough).toMatchObject({ code: short.code, eventTime: { eventBlocks: 13, ...needed } });
    // a subnet asks for all that its parameter file has: kinds with a Pass are over later
    const params = inFolder('params.json');
    writeFileSync(params, encodeParameterFile(builtInFile(kinds)));
    const path = policyFile({ pools, schedule: { ...schedule, eventBlocks: 13 } });
    expect((await scoring('check', path, '--params', params)).out).toContain('Make it 22 or more.');
  });

  test('a policy that leaves events to validators says nothing of their time', async () => {
    expect(JSON.parse((await scoring('check', 'compute', '--json')).out)).not.toHaveProperty('eventTime');
  });

  const [pool] = POLICIES.compute.pools;
  test.each([
    [
      'has a plan that validators refuse',
      { schedule: { ...schedule, eventBlocks: 8 } },
      /^policy\.schedule: expected a plan that validators follow, got eventBlocks: expected more than holdBlocks\.last/,
    ],
    [
      'pays more than there is',
      { burn: 0.2 },
      /burn and shares of at most 1 in all, got 1\.2: more than there is/,
    ],
    [
      'has a negative price',
      { pools: [{ ...pool, prices: { opsPerS: { of: 1, counts: -1 } } }] },
      /^policy\.pools\[0\]\.prices\.opsPerS\.counts: .*got -1/,
    ],
    [
      'pays for a class that nobody knows',
      { pools: [{ ...pool, match: { classes: ['h100-smx'] } }] },
      /match\.classes: .*"h100-smx".*h100-sxm/,
    ],
    ['has a key that there is not', { burns: 0 }, /^policy\.burns: .*did you mean burn\?$/],
    [
      'is of a newer version',
      { format: 'assay-scoring-policy/2' },
      /assay-scoring-policy\/2, of a newer version/,
    ],
  ])('refuses a policy that %s', async (_what, change, message) => {
    expect(await scoring('check', policyFile(change))).toMatchObject({
      code: 2,
      out: '',
      error: { message: expect.stringMatching(message) },
    });
  });

  test('says what a policy would have paid, why there are zeros, and the difference to another', async () => {
    const data = await paidLedger('a');
    const cut = policyFile({ burn: 0.5, pools: [{ ...pool, share: 0.5 }], caps: { hotkey: 0.5 } });
    const { code, out } = await scoring(
      'preview',
      cut,
      '--data',
      data,
      '--against',
      'compute',
      '--epoch',
      '2..',
      '--json',
    );
    expect(code).toBe(0);
    const { epochs, against } = JSON.parse(out);
    expect(against).toBe(policyDigest(POLICIES.compute));
    expect(
      epochs.map(({ epoch, factsKept }: { epoch: number; factsKept: boolean }) => [epoch, factsKept]),
    ).toEqual([
      [2, true],
      [3, true],
    ]);
    const shares = ({ hotkeys }: { hotkeys: { hotkey: string; share: number }[] }) =>
      Object.fromEntries(hotkeys.map(({ hotkey, share }) => [hotkey, Number(share.toFixed(6))]));
    // half of all burns, and what `good` has over the cap counts as if it had not been proven
    expect(shares(epochs[0])).toEqual({ bad: 0, good: 0.25, half: 0.25, owner: 0 });
    expect(shares(epochs[0].against)).toEqual({ bad: 0, good: 0.666667, half: 0.333333, owner: 0 });
    const of = (name: string) => epochs[0].hotkeys.find(({ hotkey }: { hotkey: string }) => hotkey === name);
    expect(of('bad')).toMatchObject({ zero: 'never-accepted', counts: { 'rejected:window': 1 } });
    expect(of('good').cuts).toEqual([{ why: 'hotkey-cap', pool: 'proven', factor: 0.5, amount: 0.5 }]);
    expect(epochs[0].burned.explicit).toBe(0.5);

    const text = (await scoring('preview', cut, '--data', data, '--against', 'compute', '--epoch', '3')).out;
    expect(text).toMatch(/epoch 3: 1 event\n/);
    expect(text).toMatch(/good .*25\.000 % .*66\.667 % .*-41\.667 % .*hotkey-cap x 0\.5 in proven/);
    expect(text).toMatch(/bad .*never-accepted \(1 rejected:window\)/);
    expect((await scoring('preview', cut, '--data', data, '--epoch', '9')).code).toBe(4);
    expect(await scoring('preview', cut, '--data', data, '--epoch', '3..2')).toMatchObject({
      code: 2,
      out: '',
    });
  });
});

describe('a rule of the subnet’s own', () => {
  const module = ['--module', RULED_MODULE] as const;
  const missing = {
    out: '',
    error: {
      code: 'unsupported',
      message: expect.stringContaining('scoring rule evenly, version 2; it has no rule of that name'),
    },
  };

  test('is held against what it lets gain, where the module with it is named, and is refused without', async () => {
    const path = policyFile(RULED);
    expect(await scoring('check', path)).toMatchObject(missing);
    const { code, out } = await scoring('check', path, ...module, '--json');
    const { pools, deterrence } = JSON.parse(out);
    expect(pools[0].rule).toEqual({ name: 'evenly', version: 2 });
    expect(deterrence.shapes[0]).toMatchObject({ name: 'splitting', holds: true, wanted: true });
    // two names behind one device are paid twice what one is: that is no wish of the rule's
    expect([code, deterrence.holds]).toEqual([1, false]);
    const text = (await scoring('check', path, ...module)).out;
    expect(text).toContain("What proven pays is divided by the subnet's own rule evenly, version 2.");
    expect(text).not.toContain('Pay is proportional');
    expect(text).toMatch(/splitting: x 3\.\d+ \(.*, in proven\), which the rule is made to pay for/);
  });

  test('is what a ledger was paid by, and would be: previewed and replayed with it, and never without', async () => {
    const policy = parsePolicy(RULED, undefined, [evenly]);
    const data = await paidLedger('a', { by: policy });
    const path = policyFile(RULED);
    const preview = ['preview', path, '--data', data, '--epoch', '3', '--json'] as const;
    expect(await scoring(...preview)).toMatchObject(missing);
    const { epochs } = JSON.parse((await scoring(...preview, ...module)).out);
    const shares = epochs[0].hotkeys.map(({ hotkey, share }: { hotkey: string; share: number }) => [
      hotkey,
      Number(share.toFixed(6)),
    ]);
    expect(Object.fromEntries(shares)).toEqual({ bad: 0, good: 0.5, half: 0.5, owner: 0 });

    expect(await validator('replay', '--all', '--data', data)).toMatchObject(missing);
    const again = await validator('replay', '--all', '--data', data, ...module, '--json');
    expect(again.code).toBe(0);
    const { agrees, rows } = JSON.parse(again.out);
    expect(agrees).toBe(true);
    expect(rows.map((row: { policy: string; agrees: boolean }) => [row.policy, row.agrees])).toEqual(
      Array(3).fill([policyDigest(policy), true]),
    );
  });
});

const segmentOf = (data: string, epoch: number) =>
  join(data, 'ledger', 'segments', `${`${epoch}`.padStart(10, '0')}.seg`);

describe('assay validator, with a ledger', () => {
  test('replay --all makes every row again to the same u16, and says what was not judged again', async () => {
    const data = await paidLedger('a');
    const { code, out } = await validator('replay', '--all', '--data', data, '--json');
    expect(code).toBe(0);
    const all = JSON.parse(out);
    // `toy` is no kind of this build: none of them is judged again, and that is said
    expect(all).toMatchObject({ agrees: true, outcomes: 9, agreeing: 0, disagreeing: [], unsupported: 9 });
    expect(all.rows).toHaveLength(3);
    const text = (await validator('replay', '--all', '--data', data, '--epoch', '2')).out;
    expect(text).toMatch(/rows +1 of 1 the same[\s\S]*the ledger agrees$/m);
    expect(await validator('replay', '--data', data)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/^outcome: expected the name of one, or --all, got neither/) },
    });
  });

  test('replay --all ends with 1 where a u16 differs, naming it, and with 4 where nothing can be made again', async () => {
    const altered = await paidLedger('a', {
      alter: (row, epoch) =>
        row.map(([hotkey, u16]) => [hotkey, hotkey === 'half' && epoch === 2 ? u16 + 1 : u16]),
    });
    const { code, out } = await validator('replay', '--all', '--data', altered);
    expect(code).toBe(1);
    expect(out).toMatch(/epoch 2: half has 32769, and 32768 follows/);
    expect((await validator('replay', '--all', '--data', altered, '--epoch', '3')).code).toBe(0);
    expect((await validator('replay', '--all', '--data', altered, '--epoch', '7..')).code).toBe(4);
  });

  test('a ledger that is torn or was altered is refused before anything runs, naming the file', async () => {
    for (const [name, change] of [
      ['altered', (bytes: Buffer) => bytes.fill(bytes[200]! ^ 1, 200, 201)],
      ['torn', (bytes: Buffer) => bytes.subarray(0, bytes.length - 10)],
    ] as const) {
      const data = await paidLedger(name);
      const path = segmentOf(data, 1);
      writeFileSync(path, change(readFileSync(path)));
      for (const command of [
        ['validator', 'replay', '--all', '--data', data],
        ['validator', 'compare', data, data],
        ['validator', 'export', '--data', data, '--out', inFolder('out'), '--hotkey', '//Validator'],
        ['scoring', 'preview', 'compute', '--data', data],
      ]) {
        const { code, out, err } = await assay(command);
        expect([code, out]).toEqual([2, '']);
        expect(err).toMatch(/0000000001\.seg.*\[corrupt\]/);
      }
    }
    expect(existsSync(inFolder('out'))).toBe(false);
  });

  test('an export is read elsewhere, handed over once, and refused where it is of another subnet or was altered', async () => {
    const data = await paidLedger('a');
    const [file, to] = [inFolder('ledger.assay'), inFolder('b')];
    const by = ['--hotkey', '//Validator'];
    expect(await validator('export', '--data', data, '--out', file, '--hotkey', '//Bob')).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/^--hotkey: expected the ledger's, 5/) },
    });
    expect(
      await validator('export', '--data', data, '--out', file, '--move', '--epoch', '2', ...by),
    ).toMatchObject({
      code: 2,
    });
    const made = await validator('export', '--data', data, '--out', file, '--move', '--json', ...by);
    expect(JSON.parse(made.out)).toMatchObject({ moved: true, epoch: 3 });
    expect(await validator('import', file, '--data', to, '--netuid', '3')).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/is of another subnet: 2, not 3$/) },
    });
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(inFolder('altered.assay'), bytes);
    const altered = await validator('import', inFolder('altered.assay'), '--data', to);
    expect([altered.code, altered.out]).toEqual([2, '']);
    expect(altered.err).toContain('[corrupt]');
    expect(existsSync(join(to, 'ledger', 'segments'))).toBe(false);

    const goesOn = await validator('import', file, '--data', to, '--go-on', '--json', ...by);
    expect(JSON.parse(goesOn.out)).toMatchObject({ netuid: 2, moved: true, goesOn: true });
    expect((await validator('replay', '--all', '--data', to)).code).toBe(0);
    const writing = { genesisHash: GENESIS, netuid: 2, keypair: keypairFromUri('//Validator') };
    const open = (dir: string) =>
      openLedger({ dir, ...writing, random: createSeededRandom('x'), log: silentLog });
    await expect(open(join(data, 'ledger'))).rejects.toMatchObject({ code: 'invalid-input' });
    await (await open(join(to, 'ledger'))).close();
  });

  test('an export that is interrupted leaves what was there, and nothing else', async () => {
    const data = await paidLedger('a');
    writeFileSync(inFolder('out'), 'as before');
    const before = readdirSync(folder).sort();
    const stopped = AbortSignal.abort();
    const ended = await assay(
      ['validator', 'export', '--data', data, '--out', inFolder('out'), '--hotkey', '//Validator'],
      stopped,
    );
    expect(ended.error).toBe(stopped.reason);
    expect(readFileSync(inFolder('out'), 'utf8')).toBe('as before');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  test('compare says where two validators differ and why, of folders and of exports', async () => {
    const a = await paidLedger('a');
    const b = await paidLedger('b', { uri: '//Other', bad: 'projection' });
    const file = inFolder('b.assay');
    await validator('export', '--data', b, '--out', file, '--hotkey', '//Other', '--no-evidence');
    const { code, out } = await validator('compare', a, file, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      events: { both: 3, onlyA: 0, onlyB: 0 },
      sessions: { same: 6, different: 3 },
      why: { reason: 3 },
    });
    expect((await validator('compare', a, b, '--epoch', '2')).out).toMatch(
      /bad.* reason .*rejected:window.*rejected:projection[\s\S]*sessions, different +1$/m,
    );
    expect((await validator('compare', a, a)).code).toBe(0);
    const other = await paidLedger('c', { uri: '//Other', netuid: 3 });
    expect(await validator('compare', a, other)).toMatchObject({
      code: 2,
      error: { message: 'ledgers of different subnets have nothing in common' },
    });
  });
});
