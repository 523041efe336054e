/** The backend of the suite: echoes every message by the `ws` library, and keeps what it saw of every connection. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from '../../integration/proxy-fixture.ts';

export const LARGEST_MESSAGE = 32 << 20;

export interface EchoServer extends AsyncDisposable {
  port: number;
  /** The events on the connection with this path, in order, when it is over. */
  sightOf(path: string): Promise<string[]>;
}

export async function startEchoServer(): Promise<EchoServer> {
  const over = new Map<string, PromiseWithResolvers<string[]>>();
  const sight = (path: string) => {
    const known = over.get(path) ?? Promise.withResolvers<string[]>();
    over.set(path, known);
    return known;
  };
  const server = createServer((_req, res) => res.writeHead(204).end());
  const webSockets = new WebSocketServer({
    server,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 1 } },
  });
  webSockets.on('connection', (socket, request) => {
    const seen: string[] = [];
    socket.on('message', (data: Buffer, binary) => {
      seen.push(`${binary ? 'binary' : 'text'} ${digest(data)}`);
      socket.send(data, { binary });
    });
    socket.on('ping', (data) => seen.push(`ping ${digest(data)}`));
    socket.on('pong', (data) => seen.push(`pong ${digest(data)}`));
    socket.on('error', (error: Error & { code?: string }) => seen.push(`error ${error.code}`));
    socket.on('close', (code, reason) => {
      seen.push(`close ${code} ${reason.toString('hex')}`);
      sight(request.url ?? '').resolve(seen);
    });
  });
  const listening = await serve(server);
  return {
    port: listening.port,
    sightOf: (path) => sight(path).promise,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

/** Short data as it is, long data by its length and hash. */
export function digest(data: Buffer): string {
  if (data.length <= 125) return data.toString('hex');
  return `${data.length} bytes ${createHash('sha1').update(data).digest('hex')}`;
}
