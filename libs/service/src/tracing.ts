import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/**
 * Spans are created by hand: one for each call between processes, and a few inside. Nothing on the data path is instrumented. They
 * are exported by OTLP/gRPC if OTEL_EXPORTER_OTLP_ENDPOINT is set. Without it they only give log lines their trace id.
 */
export interface Tracing {
  /** Sends the remaining spans. Never rejects: a missing collector must not fail a shutdown. */
  close(): Promise<void>;
}

export async function startTracing(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Tracing> {
  const exporting = (env.OTEL_EXPORTER_OTLP_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? '') !== '';
  const spanProcessors = exporting ? [await otlpProcessor()] : [];
  const provider = new TracerProvider({ resource: resourceOf(service), spanProcessors });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return { close: () => provider.shutdown().catch(() => {}) };
}

/** Loads the exporter only where it is used, because that is a tenth of a service's start. */
async function otlpProcessor(): Promise<BatchSpanProcessor> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
  return new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 500 });
}

/** Identifies the service in traces and metrics (OpenTelemetry semantic conventions: service). */
export function resourceOf(service: string): Resource {
  return resourceFromAttributes({ 'service.name': service, 'service.namespace': 'spawner' });
}

/** Runs `work` in a child of the current span. A thrown error marks the span and is rethrown. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return spanOf(context.active(), name, { attributes }, work);
}

/** Runs `work` in a child span of a context from a call's metadata or a stored parent. */
export function inSpanOf<T>(
  parent: Context,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return spanOf(parent, name, { attributes, kind: SpanKind.SERVER }, work);
}

/** Records a step that another process has measured, as a child of a context's span. */
export function measuredSpan(parent: Context, name: string, began: Date, ms: number): void {
  const span = trace.getTracer('spawner').startSpan(name, { startTime: began }, parent);
  span.end(began.getTime() + ms);
}

function spanOf<T>(
  parent: Context,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return trace.getTracer('spawner').startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The current context as carrier entries (`traceparent`, `tracestate`). Empty outside a span. */
export function injectTrace(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The context that carrier entries name. Returns undefined if they name no trace. */
export function extractTrace(carrier: Readonly<Record<string, string | undefined>>): Context | undefined {
  if (!carrier.traceparent) return undefined;
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/** The current context, for a later `inContext`. */
export function presentContext(): Context {
  return context.active();
}

export function inContext<T>(of: Context, work: () => T): T {
  return context.with(of, work);
}

export { type Context, ROOT_CONTEXT } from '@opentelemetry/api';

/** The id of the current trace. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}
