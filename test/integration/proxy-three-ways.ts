/** One proxy, asked in three ways: HTTP/1.1 plainly and by TLS, and HTTP/2. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Readable, Writable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { eventually, makeAuthority } from '@spawner/testkit';
import { DOMAIN, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

export const WAYS = ['HTTP', 'HTTPS', 'HTTP/2'] as const;
export type Way = (typeof WAYS)[number];

export interface Ask {
  host: string;
  path: string;
  method?: string;
  headers?: Record<string, string>;
}

/** A request under way: where its body goes, and its answer, whose body comes as it comes. */
export interface Asked {
  body: Writable;
  answered: Promise<{ status: number; headers: Record<string, unknown>; body: Readable }>;
  /** Ends its connection, whatever is under way on it. */
  leave(): void;
}

export interface ThreeWays extends AsyncDisposable {
  world: ProxyWorld;
  /** The caller ends the request's body. */
  ask(way: Way, what: Ask): Asked;
  /** A GET, with the whole answer. */
  get(way: Way, host: string, path: string): Promise<{ status: number; body: string }>;
}

/** Without a redirect to HTTPS, so that the same is asked by all. */
export async function startThreeWays(env: Record<string, string> = {}): Promise<ThreeWays> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority());
  const world = stack.use(
    await startProxyWorld({
      SPAWNER_PROXY_HTTPS: 'true',
      SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
      ...env,
    }),
  );
  world.certify(await authority.issue([`*.${DOMAIN}`, DOMAIN, 'other.test']));
  const tls = { ca: authority.caPem, host: '127.0.0.1', port: world.httpsPort };

  const http1 = (way: Way, { host, path, method = 'GET', headers = {} }: Ask): Asked => {
    const options = {
      path,
      method,
      headers: { host, ...headers },
      agent: false as const,
      maxHeaderSize: 262_144,
    };
    const outgoing =
      way === 'HTTP'
        ? httpRequest({ ...options, host: '127.0.0.1', port: world.port })
        : httpsRequest({ ...options, ...tls, servername: host });
    outgoing.on('error', () => {});
    const answered = once(outgoing, 'response').then(([answer]: IncomingMessage[]) => {
      if (!answer) throw new Error('no answer');
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
    });
    return { body: outgoing, answered, leave: () => void outgoing.destroy() };
  };
  const http2 = ({ host, path, method = 'GET', headers = {} }: Ask): Asked => {
    const socket = connectTls({ ...tls, servername: host, ALPNProtocols: ['h2'] });
    const session = connectHttp2(`https://${host}`, { createConnection: () => socket });
    session.on('error', () => {});
    const bodiless = method === 'GET';
    const stream: ClientHttp2Stream = session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: bodiless },
    );
    stream.on('error', () => {});
    stream.once('close', () => session.close());
    const answered = once(stream, 'response').then(([head]) => ({
      status: Number(head[':status']),
      headers: head,
      body: stream,
    }));
    return { body: stream, answered, leave: () => session.destroy() };
  };
  const ask: ThreeWays['ask'] = (way, what) => (way === 'HTTP/2' ? http2(what) : http1(way, what));
  const get: ThreeWays['get'] = async (way, host, path) => {
    const { body: sent, answered } = ask(way, { host, path });
    sent.end();
    const { status, body } = await answered;
    let text = '';
    for await (const chunk of body) text += chunk;
    return { status, body: text };
  };
  await eventually(async () => expect((await get('HTTPS', `x.${DOMAIN}`, '/')).status).toBe(404));
  const whole = stack.move();
  return { world, ask, get, [Symbol.asyncDispose]: () => whole.disposeAsync() };
}
