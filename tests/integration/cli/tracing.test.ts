import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openTracing } from '../../../src/cli/tracing.js';
import { AssayError } from '../../../src/model/errors.js';
import { noTracer, toTraceparent, traced } from '../../../src/model/trace.js';

const folder = mkdtempSync(join(tmpdir(), 'assay-tracing-'));
afterAll(() => rmSync(folder, { recursive: true }));
const module = new URL('../../../examples/tracing/memory-provider.mjs', import.meta.url).pathname;

interface SpanLine {
  readonly name: string;
  readonly parent?: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status?: { readonly message: string };
}

describe('traces', () => {
  test('a module that registers nothing, or cannot be loaded, is refused by name', async () => {
    const empty = join(folder, 'empty.mjs');
    writeFileSync(empty, 'export {}');
    await expect(openTracing(empty)).rejects.toMatchObject({
      code: 'invalid-config',
      data: { problems: ['it registers no tracer provider'] },
    });
    await expect(openTracing(join(folder, 'none.mjs'))).rejects.toMatchObject({
      data: { problems: ['the module cannot be loaded'] },
    });
  });

  test('hang together over the wire, and end once, with a code and no message', async () => {
    const spans = join(folder, 'spans');
    process.env.ASSAY_EXAMPLE_SPANS = spans;
    const { tracer, close } = await openTracing(module);
    const event = tracer.start('event', { block: 7 });
    const session = tracer.start('session', { slot: 0 }, event.traceparent);
    // what the miner has of it
    const told = toTraceparent(session.traceparent);
    expect(told).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const failure = new AssayError('timeout', 'quotes a peer', { what: 'x', afterMs: 1 });
    await expect(traced(tracer.start('answer', {}, told), () => Promise.reject(failure))).rejects.toBe(
      failure,
    );
    session.set('verdict', 'accepted');
    session.end();
    session.end();
    event.end();
    await close();
    delete process.env.ASSAY_EXAMPLE_SPANS;

    const lines = readFileSync(spans, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SpanLine);
    const byName = new Map(lines.map((line) => [line.name, line]));
    expect(lines.map(({ name }) => name)).toEqual(['start', 'assay.answer', 'assay.session', 'assay.event']);
    const [a, s, e] = ['answer', 'session', 'event'].map((name) => byName.get(`assay.${name}`)!);
    expect(e!.parent).toBeUndefined();
    expect([s!.parent, a!.parent]).toEqual([e!.spanId, s!.spanId]);
    expect(new Set([a!.traceId, s!.traceId, e!.traceId]).size).toBe(1);
    expect(s!.attributes).toEqual({ slot: 0, verdict: 'accepted' });
    expect(a!.status?.message).toBe('timeout');
    expect(JSON.stringify(lines)).not.toContain('quotes a peer');
  });

  test('a module whose shutdown throws keeps no role from its end', async () => {
    const throwing = join(folder, 'throwing.mjs');
    writeFileSync(
      throwing,
      `import ${JSON.stringify(module)};\nexport function shutdown() { throw new Error('of no role'); }`,
    );
    const { close } = await openTracing(throwing);
    await expect(close()).resolves.toBeUndefined();
  });

  test('are not there where nobody asked for them', async () => {
    const { tracer } = await openTracing(undefined);
    expect(tracer).toBe(noTracer);
    expect(tracer.start('event').traceparent).toBeUndefined();
    expect(tracer.start('event')).toBe(tracer.start('session'));
  });

  test('of a peer nothing is taken but a traceparent, whole', () => {
    const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect(toTraceparent(good)).toBe(good);
    for (const bad of [
      undefined,
      7,
      Buffer.from(good),
      '',
      `${good}x`,
      good.toUpperCase(),
      good.replace('00-', '01-'),
      `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
      `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
      `${good.slice(0, -1)}\n`,
      good.slice(0, 54),
    ])
      expect(toTraceparent(bad)).toBeUndefined();
  });
});
