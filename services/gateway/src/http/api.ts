import type { IncomingMessage } from 'node:http';
import { jsonPath } from '@spawner/proto';
import { currentTraceId, extractTrace, inSpanOf, type Log, ROOT_CONTEXT } from '@spawner/service';
import type { Metrics } from '../metrics.ts';
import { messageOf } from '../requests.ts';
import type { Handlers, Signals } from './handlers.ts';
import { corsHeaders, refuseStrangers } from './origin.ts';
import { Query } from './query.ts';
import { errorAnswer } from './refusal.ts';
import type { Answer, Reply } from './reply.ts';
import { match, methodsOf } from './router.ts';
import type { Route } from './routes.ts';

export interface Target {
  path: string;
  parameters: URLSearchParams;
}

export interface ApiParts {
  handlers: Handlers;
  allowedOrigins: readonly string[];
  log: Log;
  metrics: Pick<Metrics, 'http'>;
}

/** The JSON API: checks the origin, finds the route, runs its handler and maps every error. Never throws. */
export async function answerCall(
  { handlers, allowedOrigins, log, metrics }: ApiParts,
  request: IncomingMessage,
  { path, parameters }: Target,
  signals: Signals,
): Promise<Answer> {
  const { method = 'GET', headers } = request;
  const cors = corsHeaders(headers.origin, allowedOrigins);
  let route: Route | undefined;
  let traceId: string | undefined;
  const answered = (reply: Reply, more: Answer['headers'] = {}): Answer => {
    metrics.http(route?.operation ?? 'unknown', String(reply.status));
    return { reply, headers: { ...cors, ...more, ...(traceId ? { 'x-trace-id': traceId } : {}) } };
  };
  try {
    refuseStrangers(method, headers, allowedOrigins);
    if (method === 'OPTIONS')
      return answered({ kind: 'empty', status: 204 }, { allow: methodsOf(path).join(', ') });
    const { route: found, id } = match(method, path);
    route = found;
    const reply = await traced(request, found, () => {
      traceId = currentTraceId();
      return handlers[found.operation]({ request, id, query: new Query(parameters), ...signals });
    });
    return answered(reply);
  } catch (error) {
    const operation = route?.operation;
    const field = (name: string) => (operation ? jsonPath(messageOf(operation, 'Request'), name) : name);
    const report = (unexpected: unknown, id: string) =>
      log.error({ error: unexpected, error_id: id, trace_id: traceId, operation }, 'request failed');
    const { reply, headers: more } = errorAnswer(error, field, report);
    return answered(reply, more);
  }
}

/** Commands always get a span; a page that looks every second gets one only when it asks by a traceparent. */
async function traced(request: IncomingMessage, route: Route, work: () => Promise<Reply>): Promise<Reply> {
  const { traceparent, tracestate } = request.headers;
  const carrier = { traceparent: single(traceparent), tracestate: single(tracestate) };
  const parent = extractTrace(carrier) ?? (route.method === 'GET' ? undefined : ROOT_CONTEXT);
  if (!parent) return work();
  const attributes = { 'http.request.method': route.method, 'http.route': route.path };
  return inSpanOf(parent, `${route.method} ${route.path}`, attributes, work);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
