import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../src/model/bytes.js';
import { type AuditRules, rulesDigest } from '../../../../src/verification/rollouts/rules.js';
import {
  afterMissing,
  afterOurs,
  afterWindow,
  decodeStanding,
  encodeStanding,
  lookCloser,
  NEW_STANDING,
  type Standing,
  settle,
  weightMillis,
} from '../../../../src/verification/rollouts/standing.js';
import {
  decodeVerdict,
  encodeVerdict,
  type VerdictRecord,
  verdictDigest,
} from '../../../../src/verification/rollouts/verdict.js';

type WrittenStanding = Omit<Standing, 'detector'> & { readonly values: string[] };
type Digests = 'hotkey' | 'validator' | 'windowDigest' | 'manifestDigest' | 'profileDigest' | 'rulesDigest';
interface WrittenVerdict
  extends Omit<VerdictRecord, Digests | 'auditBeacon' | 'vrfProof' | 'before' | 'after'>,
    Record<Digests, string> {
  readonly auditBeacon: {
    readonly kind: VerdictRecord['auditBeacon']['kind'];
    readonly round: string;
    readonly signature: string;
  };
  readonly vrfProof: string;
  readonly before: WrittenStanding;
  readonly after: WrittenStanding;
  readonly bytes: string;
  readonly digest: string;
}
interface Judged {
  readonly is: 'judged';
  readonly trials: string;
  readonly boundPpb: number;
  readonly audited: number;
  readonly valid: number;
  readonly paidMillis: number;
  readonly groups: number;
  readonly perWindow: number;
}
type Step = { readonly window: number; readonly bytes: string; readonly weightMillis: number } & (
  | Judged
  | { readonly is: 'missing' }
  | { readonly is: 'ours' }
  | { readonly is: 'closer' }
  | { readonly is: 'settled'; readonly broken: boolean }
);
interface Vectors {
  readonly histories: Step[][];
  readonly rules: (AuditRules & { readonly digest: string })[];
  readonly standings: (WrittenStanding & { readonly bytes: string })[];
  readonly verdicts: WrittenVerdict[];
  readonly noStandings: { readonly why: string; readonly bytes: string }[];
  readonly noVerdicts: { readonly why: string; readonly bytes: string }[];
}

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const written = readFileSync(at('tests/vectors/rollouts-audit.json'), 'utf8');
const vectors = JSON.parse(written) as Vectors;
const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('skipping the second implementation of the vectors: no python3 here');

const standingOf = ({ values, ...rest }: WrittenStanding): Standing => ({
  ...rest,
  detector: { values: values.map(BigInt) },
});
const verdictOf = ({ bytes: _, digest: __, ...record }: WrittenVerdict): VerdictRecord => ({
  ...record,
  hotkey: fromHex(record.hotkey),
  validator: fromHex(record.validator),
  windowDigest: fromHex(record.windowDigest),
  manifestDigest: fromHex(record.manifestDigest),
  profileDigest: fromHex(record.profileDigest),
  rulesDigest: fromHex(record.rulesDigest),
  auditBeacon: {
    kind: record.auditBeacon.kind,
    round: BigInt(record.auditBeacon.round),
    signature: fromHex(record.auditBeacon.signature),
  },
  vrfProof: fromHex(record.vrfProof),
  before: standingOf(record.before),
  after: standingOf(record.after),
});

function stepped(before: Standing, step: Step): Standing {
  const { window } = step;
  if (step.is === 'missing') return afterMissing(before, window);
  if (step.is === 'ours') return afterOurs(before, window);
  if (step.is === 'closer') return lookCloser(before, window);
  if (step.is === 'settled') return settle(before, window, step.broken);
  const { trials, boundPpb, audited, valid, ...rest } = step;
  return afterWindow(before, window, {
    ...rest,
    trials: [...trials].map((trial) => ({ wrong: trial === '1', boundPpb })),
    count: { window, audited, valid },
  });
}

describe('golden vectors of audits', () => {
  it.skipIf(!python)('are what the second implementation computes', () => {
    expect(execFileSync('python3', [at('scripts/golden_audit.py')], { encoding: 'utf8' })).toBe(written);
  });

  it('have our digests of rules', () => {
    for (const { digest, ...rules } of vectors.rules) expect(toHex(rulesDigest(rules))).toBe(digest);
    expect(vectors.rules).toHaveLength(2);
  });

  it('have our standings, written and read', () => {
    for (const { bytes, ...one } of vectors.standings) {
      expect(toHex(encodeStanding(standingOf(one)))).toBe(bytes);
      expect(decodeStanding(fromHex(bytes))).toEqual(standingOf(one));
    }
    expect(vectors.standings).toHaveLength(2);
  });

  it('have our standings, window by window', () => {
    for (const [i, steps] of vectors.histories.entries()) {
      let standing = NEW_STANDING;
      for (const [k, step] of steps.entries()) {
        standing = stepped(standing, step);
        expect(toHex(encodeStanding(standing)), `history ${i}, step ${k}`).toBe(step.bytes);
        expect(weightMillis(standing, step.window), `history ${i}, step ${k}`).toBe(step.weightMillis);
      }
    }
    expect(vectors.histories).toHaveLength(10);
  });

  it.each(vectors.verdicts)('have our record of a window that is $state', (one) => {
    expect(toHex(encodeVerdict(verdictOf(one)))).toBe(one.bytes);
    // `near` is a statistic of nothing, whose value is read as 0
    expect(toHex(encodeVerdict(decodeVerdict(fromHex(one.bytes))))).toBe(one.bytes);
    expect(toHex(verdictDigest(fromHex(one.bytes)))).toBe(one.digest);
  });

  it.each(vectors.noStandings)('are no standing: $why', ({ bytes }) => {
    expect(() => decodeStanding(fromHex(bytes))).toThrow(RangeError);
  });

  it.each(vectors.noVerdicts)('are no record: $why', ({ bytes }) => {
    expect(() => decodeVerdict(fromHex(bytes))).toThrow(RangeError);
  });
});
