import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { AppError } from '@spawner/domain';

/**
 * Which web pages may use the API. Programs send no Origin and pass; a browser's page passes when it came
 * from this gateway itself, or from an origin that the configuration lists. A page could
 * point a name of its own at our address (DNS rebinding). So only an address, a name without a dot, or a name
 * below `localhost` counts as this gateway; every other name must be listed.
 */
export function refuseStrangers(
  method: string,
  headers: IncomingHttpHeaders,
  allowedOrigins: readonly string[],
): void {
  const { origin, host = '' } = headers;
  if (origin !== undefined) {
    if (allowedOrigins.includes(origin) || isOwn(origin, host)) return;
    throw new AppError('denied', `pages of ${JSON.stringify(origin)} may not use this API`);
  }
  const site = headers['sec-fetch-site'];
  const navigation = headers['sec-fetch-mode'] === 'navigate' && (method === 'GET' || method === 'HEAD');
  if (site === undefined || site === 'same-origin' || site === 'none' || navigation) return;
  throw new AppError('denied', 'pages of other sites may not use this API');
}

/** The headers that let a listed origin's pages read the answer. */
export function corsHeaders(
  origin: string | undefined,
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  if (origin === undefined || !allowedOrigins.includes(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-headers': 'content-type, last-event-id, traceparent, tracestate',
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-expose-headers': 'x-trace-id, retry-after',
    'access-control-max-age': '600',
    vary: 'origin',
  };
}

function isOwn(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: from, hostname } = new URL(origin);
  const literal = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  return (
    from === host.toLowerCase() && (literal || !hostname.includes('.') || hostname.endsWith('.localhost'))
  );
}
