// A tracer provider of forty lines, without an SDK: every span that ended, as one line of JSON in the file that ASSAY_EXAMPLE_SPANS names.
// It shows what a module of --trace-module has to do; docs/tracing.md has the one that exports by OTLP.
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { trace } from '@opentelemetry/api';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const waiting = [];

function startSpan(name, { attributes = {} } = {}, context) {
  const parent = context && trace.getSpanContext(context);
  const spanContext = { traceId: parent?.traceId ?? hex(16), spanId: hex(8), traceFlags: 1 };
  const span = {
    name,
    parent: parent?.spanId,
    ...spanContext,
    attributes: { ...attributes },
    startedMs: Date.now(),
  };
  return {
    spanContext: () => spanContext,
    setAttribute: (key, value) => Object.assign(span.attributes, { [key]: value }),
    setStatus: (status) => Object.assign(span, { status }),
    end: () => waiting.push({ ...span, endedMs: Date.now() }),
  };
}

trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) });

/** Told by the role when it ends, and waited for, two seconds at most. */
export async function shutdown() {
  const file = process.env.ASSAY_EXAMPLE_SPANS;
  if (file) appendFileSync(file, waiting.map((span) => `${JSON.stringify(span)}\n`).join(''));
}
