import { afterEach, describe, expect, test, vi } from 'vitest';
import { EXIT, exitCodeOf, fittedTo, printError, printJson, stderrLog } from '../../../src/cli/output.js';
import { AssayError } from '../../../src/model/errors.js';

afterEach(() => vi.restoreAllMocks());

function capture(stream: 'stdout' | 'stderr'): string[] {
  const written: string[] = [];
  vi.spyOn(process[stream], 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  return written;
}

const config = new AssayError('invalid-config', 'port: expected a number', {
  source: 'flags',
  problems: ['port: expected a number'],
});

describe('exit codes', () => {
  test('tell wrong usage, expired evidence and failure apart', () => {
    expect(EXIT).toEqual({
      ok: 0,
      failed: 1,
      usage: 2,
      busy: 3,
      expired: 4,
      interrupted: 130,
      terminated: 143,
    });
    expect(exitCodeOf(config)).toBe(2);
    expect(exitCodeOf(new AssayError('invalid-input', 'x', { what: 'x', expected: 'y', got: 'z' }))).toBe(2);
    expect(exitCodeOf(new AssayError('insecure-address', 'x', { address: '8.8.8.8' }))).toBe(2);
    expect(exitCodeOf(new AssayError('evidence-expired', 'x', { outcome: 'ab' }))).toBe(4);
    expect(exitCodeOf(new AssayError('unreachable', 'x', { address: 'y' }))).toBe(1);
    expect(exitCodeOf(new Error('bug'))).toBe(1);
    expect(exitCodeOf('thrown text')).toBe(1);
  });
});

const REPORT =
  '  what to do: The lines `because:` say what failed. Where that is no help, run it again with ASSAY_DEBUG=1 and report what it prints.\n';

describe('an error', () => {
  test('is one line with its code, and one for each cause', () => {
    const written = capture('stderr');
    printError(new Error('no demo', { cause: new Error('no localnet', { cause: config }) }), false);
    expect(written.join('')).toBe(
      `error: no demo [unexpected]\n  because: no localnet\n  because: port: expected a number [invalid-config]\n${REPORT}`,
    );
  });

  test('shows its stack only when asked', () => {
    const written = capture('stderr');
    printError(config, false);
    expect(written).toHaveLength(1);
    printError(config, true);
    expect(written.at(-1)).toContain('output.test.ts');
  });

  test('whose causes go round in a circle ends all the same', () => {
    const written = capture('stderr');
    const a: Error & { cause?: unknown } = new Error('a');
    a.cause = a;
    printError(a, false);
    expect(written.join('')).toBe(`error: a [unexpected]\n${REPORT}`);
    const [one, other]: (Error & { cause?: unknown })[] = [new Error('one'), new Error('other')];
    one!.cause = other;
    other!.cause = one;
    printError(one, false);
    expect(written.at(-1)!.split('\n')).toHaveLength(7);
  });

  test('has no line for a cause whose words were said, as a whole or behind what was done', () => {
    const written = capture('stderr');
    const cause = new Error('Unexpected token');
    printError(new Error('case file: no JSON: Unexpected token', { cause }), false);
    expect(written.join('')).toBe(`error: case file: no JSON: Unexpected token [unexpected]\n${REPORT}`);
    const away = new AssayError('unreachable', 'ws://a cannot be reached', { address: 'a' });
    const why = new Error('connect ECONNREFUSED');
    away.cause = new AssayError('unreachable', 'ws://a cannot be reached', { address: 'a' }, { cause: why });
    written.length = 0;
    printError(away, false);
    expect(written.join('')).toBe(
      'error: ws://a cannot be reached [unreachable]\n  because: connect ECONNREFUSED\n',
    );
  });

  test('that is no Error is told as it is', () => {
    const written = capture('stderr');
    printError('just text', true);
    expect(written).toEqual([`error: just text [unexpected]\n${REPORT}`]);
  });
});

describe('what was asked for', () => {
  test('as sentences breaks at spaces in a terminal, indented as it was, and nowhere in a pipe', () => {
    const text = `${'word '.repeat(17).trim()}\n  ${'part '.repeat(17).trim()}`;
    expect(fittedTo({ isTTY: false, columns: 80 }, text)).toBe(text);
    const terminal = { isTTY: true, columns: 80 } as const;
    const lines = text.split('\n').map((line) => fittedTo(terminal, line));
    expect(lines).toEqual([
      `${'word '.repeat(15).trim()}\n  word word`,
      `  ${'part '.repeat(15).trim()}\n    part part`,
    ]);
  });

  test('goes to standard output, amounts as decimal strings', () => {
    const written = capture('stdout');
    printJson({ burned: 12345678901234567890n, blocks: 3 });
    expect(written).toEqual(['{"burned":"12345678901234567890","blocks":3}\n']);
  });

  test('is not mixed with logs: those are JSON lines on standard error, from their level on', () => {
    const [out, err] = [capture('stdout'), capture('stderr')];
    const log = stderrLog('info', { netuid: 7 });
    log.debug('unheard');
    log.info('heard', { stake: 5n });
    expect(out).toEqual([]);
    expect(err).toHaveLength(1);
    expect(JSON.parse(err[0]!)).toMatchObject({ level: 'info', msg: 'heard', netuid: 7, stake: '5' });
  });
});
