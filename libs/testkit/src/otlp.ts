import { BinaryReader } from '@spawner/proto';
import { implement, serveRpc } from '@spawner/rpc';
import { createLog } from '@spawner/service';

/** A span as a collector got it. Ids in hex; no parent is the empty text. */
export interface ReceivedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** Whether its status says that it failed. */
  failed: boolean;
}

/**
 * A collector that takes traces by OTLP/gRPC (opentelemetry/proto/collector/trace/v1) and keeps every
 * span. Only the fields that a test of parents and names wants are read.
 */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const traceService = {
    export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  } as const;
  const service = implement(traceService, {
    export: async (request) => {
      spans.push(...readSpans(request));
      return Buffer.alloc(0);
    },
  });
  const log = createLog('otlp', 'silent');
  const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
  const stop = () => server.close();
  return { url: `http://127.0.0.1:${server.port}`, spans, stop, [Symbol.asyncDispose]: stop };
}

function readSpans(request: Uint8Array): ReceivedSpan[] {
  return submessages(request, 1).flatMap((resourceSpans) => {
    const [resource] = submessages(resourceSpans, 1);
    const service = resource ? serviceName(resource) : '';
    const scopes = submessages(resourceSpans, 2);
    return scopes.flatMap((scope) => submessages(scope, 2).map((span) => readSpan(service, span)));
  });
}

function readSpan(service: string, span: Uint8Array): ReceivedSpan {
  const hex = (field: number) => Buffer.from(submessages(span, field)[0] ?? []).toString('hex');
  const [status] = submessages(span, 15);
  return {
    service,
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    name: Buffer.from(submessages(span, 5)[0] ?? []).toString(),
    failed: status !== undefined && Buffer.from(status).includes(Buffer.from([0x18, 2])),
  };
}

function serviceName(resource: Uint8Array): string {
  for (const attribute of submessages(resource, 1)) {
    const [key, value] = [submessages(attribute, 1)[0], submessages(attribute, 2)[0]];
    if (String(Buffer.from(key ?? [])) === 'service.name' && value)
      return Buffer.from(submessages(value, 1)[0] ?? []).toString();
  }
  return '';
}

function submessages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const reader = new BinaryReader(bytes); reader.pos < reader.len; ) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}
