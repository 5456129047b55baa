// Owns: spans to whatever an operator's own module collects them with, through the OpenTelemetry interface. Does not own: the module, an
// SDK, what is traced (validator, miner).
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AssayError } from '../model/errors.js';
import { noTracer, type Tracer } from '../model/trace.js';
import { VERSION } from '../model/version.js';

/** What the module collected must be sent by then. */
const CLOSE_MS = 2000;

export interface Tracing {
  readonly tracer: Tracer;
  /** Tells the module's `shutdown`, where it exports one. */
  close(): Promise<void>;
}

/**
 * @param path module that registers a tracer provider when it is loaded. @default nothing is traced, and no part of OpenTelemetry is loaded
 * @throws AssayError `invalid-config` when it cannot be loaded, or registers none
 */
export async function openTracing(path: string | undefined): Promise<Tracing> {
  if (path === undefined) return { tracer: noTracer, close: async () => {} };
  const fail = (problem: string, cause?: unknown) =>
    new AssayError(
      'invalid-config',
      `${path}: ${problem}`,
      { source: 'traceModule', problems: [problem] },
      { cause },
    );
  const module = (await import(pathToFileURL(resolve(path)).href).catch((cause: unknown) => {
    throw fail('the module cannot be loaded', cause);
  })) as { readonly shutdown?: () => Promise<void> };
  const { SpanStatusCode, TraceFlags, context, isSpanContextValid, trace } = await import(
    '@opentelemetry/api'
  );
  const inner = trace.getTracer('assay', VERSION);
  const probe = inner.startSpan('start');
  probe.end();
  if (!isSpanContextValid(probe.spanContext())) throw fail('it registers no tracer provider');
  return {
    tracer: {
      start(name, attributes = {}, parent) {
        const [, traceId = '', spanId = '', flags = ''] = parent?.split('-') ?? [];
        const under =
          parent === undefined
            ? context.active()
            : trace.setSpanContext(context.active(), {
                traceId,
                spanId,
                traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
                isRemote: true,
              });
        const span = inner.startSpan(`assay.${name}`, { attributes }, under);
        let hasEnded = false;
        const { traceId: id, spanId: own, traceFlags } = span.spanContext();
        return {
          traceparent: `00-${id}-${own}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`,
          set: (key, value) => void span.setAttribute(key, value),
          end(error) {
            if (hasEnded) return;
            hasEnded = true;
            // a code of ours alone: messages may quote what was received
            const message = error instanceof AssayError ? error.code : 'internal';
            if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message });
            span.end();
          },
        };
      },
    },
    async close() {
      let patience: NodeJS.Timeout | undefined;
      const late = new Promise<void>((done) => {
        patience = setTimeout(done, CLOSE_MS);
      });
      await Promise.race([(async () => module.shutdown?.())(), late]).catch(() => {}); // traces that are lost are no fault of the role's
      clearTimeout(patience);
    },
  };
}
