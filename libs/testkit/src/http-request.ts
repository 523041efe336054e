/**
 * One HTTP/1.1 request on a connection of its own, with the Host header the test wants whatever address it goes to:
 * tests call `<id>.<cluster domain>` at 127.0.0.1, which `fetch` cannot do.
 */

import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { PATIENCE } from './patience.ts';

export interface RequestOptions {
  port: number;
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
  trailers: NodeJS.Dict<string>;
  body: string;
  bytes: Buffer;
}

/** Resolves with the whole answer, whatever its status; rejects when the connection fails or `timeoutMs` (30 s) pass. */
export function request(options: RequestOptions): Promise<HttpAnswer> {
  const {
    port,
    host,
    address = '127.0.0.1',
    path = '/',
    method = 'GET',
    body,
    tls,
    timeoutMs = PATIENCE.conditionMs,
  } = options;
  return new Promise((resolve, reject) => {
    const headers = { host: host ?? `${address}:${port}`, ...options.headers };
    const common = { host: address, port, path, method, headers, agent: false as const };
    const outgoing = tls
      ? httpsRequest({ ...common, ...tls, servername: host?.replace(/:\d+$/, '') })
      : httpRequest(common);
    const late = setTimeout(() => {
      outgoing.destroy(new Error(`${method} ${headers.host}${path} was not answered within ${timeoutMs} ms`));
    }, timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(late);
      reject(error);
    };
    outgoing.once('error', fail);
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', fail);
      answer.once('end', () => {
        clearTimeout(late);
        const bytes = Buffer.concat(chunks);
        const { statusCode: status = 0, trailers } = answer;
        resolve({ status, headers: answer.headers, trailers, bytes, body: bytes.toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}
