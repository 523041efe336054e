/**
 * One HTTP/1.1 request on a connection of its own, with the Host header the test wants whatever address it goes to:
 * tests call `<id>.<cluster domain>` at 127.0.0.1, which `fetch` cannot do.
 */

import { once } from 'node:events';
import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { PATIENCE } from './patience.ts';

export interface RequestOptions {
  port?: number;
  /** A Unix socket, instead of an address and a port. */
  socketPath?: string;
  /** The Host header, and the TLS server name; `127.0.0.1:<port>` by default. */
  host?: string;
  /** Where the connection goes. */
  address?: string;
  path?: string;
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
  /** Present: HTTPS, trusting `ca` alone if given. */
  tls?: { ca?: string; rejectUnauthorized?: boolean };
  timeoutMs?: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  bytes: Buffer;
}

/** Node's own limit is below that of the proxy. */
const MOST_HEADER_BYTES = 262_144;

/** Resolves with the whole answer, whatever its status; rejects when the connection fails or `timeoutMs` (30 s) pass. */
export async function request(options: RequestOptions): Promise<HttpAnswer> {
  const { port, host, address = '127.0.0.1', tls, timeoutMs = PATIENCE.conditionMs } = options;
  const { socketPath, path = '/', method = 'GET' } = options;
  const headers = { host: host ?? `${address}:${port}`, ...options.headers };
  const base = { host: address, port, socketPath, path, method, headers };
  const common = { ...base, agent: false as const, maxHeaderSize: MOST_HEADER_BYTES };
  const outgoing = tls
    ? httpsRequest({ ...common, ...tls, servername: host?.replace(/:\d+$/, '') })
    : httpRequest(common);
  // The wait for the response or for its body reports the error.
  outgoing.on('error', () => {});
  const late = setTimeout(() => {
    outgoing.destroy(new Error(`${method} ${headers.host}${path} was not answered within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    outgoing.end(options.body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const bytes = await buffer(answer);
    const { statusCode: status = 0 } = answer;
    return { status, headers: answer.headers, bytes, body: bytes.toString('utf8') };
  } finally {
    clearTimeout(late);
  }
}
