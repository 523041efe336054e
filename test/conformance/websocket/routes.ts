/** The ways to the backend that are compared: to itself, and through the proxy by each protocol. */
import { once } from 'node:events';
import { request } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request as secureRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Opened } from './session.ts';

export type Open = (path: string, offer: string | undefined) => Promise<Opened>;

const HANDSHAKE = { 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };

/** By HTTP/1.1 to this loopback port; with `ca` by TLS. */
export function byHttp1(port: number, host: string, ca?: string): Open {
  return async (path, offer) => {
    const headers = {
      ...{ Host: host, Connection: 'Upgrade', Upgrade: 'websocket', ...HANDSHAKE },
      ...(offer ? { 'Sec-WebSocket-Extensions': offer } : {}),
    };
    const options = { host: '127.0.0.1', port, path, headers, agent: false };
    const outgoing = ca ? secureRequest({ ...options, ca, servername: host }) : request(options);
    outgoing.end();
    const [answer, stream, early] = await once(outgoing, 'upgrade');
    if (early.length > 0) stream.unshift(early);
    return { stream, extensions: answer.headers['sec-websocket-extensions'] ?? '' };
  };
}

/** By extended CONNECT, each on a stream of the session; resolves once the proxy has said that it takes them. */
export async function http2Session(port: number, host: string, ca: string): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://${host}:${port}`, {
    ca,
    host: '127.0.0.1',
    servername: host,
    settings: { initialWindowSize: 1 << 20 },
  } as Parameters<typeof connectHttp2>[1]);
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

export function byHttp2(session: ClientHttp2Session, host: string): Open {
  return async (path, offer) => {
    const stream = session.request(
      {
        ...{
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': 'https',
          ':path': path,
          ':authority': host,
        },
        'sec-websocket-version': '13',
        ...(offer ? { 'sec-websocket-extensions': offer } : {}),
      },
      { endStream: false },
    );
    const [headers] = await once(stream, 'response');
    if (headers[':status'] !== 200) throw new Error(`the handshake was answered with ${headers[':status']}`);
    return { stream: stream as Duplex, extensions: headers['sec-websocket-extensions'] ?? '' };
  };
}
