import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Habits, LENIENT_HABITS, readRequests, type SeenRequest, STRICT, valuesOf } from './reading.ts';

/**
 * A backend on a bare socket that keeps every byte. It answers the requests that its strict reading finds, and reports the
 * requests that servers with other habits would find in the same bytes.
 */
export interface Recording {
  requests: SeenRequest[];
  /** Differences between a lenient reading and the strict one, and faults of the strict one. */
  disagreements: string[];
}

/** The backend's answer to a request; undefined for its usual answer. */
export type Script = (request: SeenRequest) => string | undefined;

interface Connection {
  socket: Socket;
  bytes: string;
  answered: number;
  tunnel: boolean;
}

export class Recorder implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #recorded: Connection[] = [];
  #requests: SeenRequest[] = [];
  #script: Script = () => undefined;
  #early: string | undefined;
  /** Called with every request as it is answered. */
  onRequest: (request: SeenRequest) => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async start(): Promise<Recorder> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1', 4_096);
    await once(server, 'listening');
    return new Recorder(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers requests by this script from now on. `early` is sent as soon as a request for `/x` begins. */
  follow(script: Script, early?: string): void {
    this.#script = script;
    this.#early = early;
  }

  /** Whether the beginning of a request has come, and its connection is open. */
  hasBegun(): boolean {
    return [...this.#connections].some(({ bytes }) => readRequests(bytes, STRICT).rest === 'unfinished');
  }

  /** Returns everything since the last call. Connections between two requests stay open. */
  take(): Recording {
    const taken = this.#recorded;
    const requests = this.#requests;
    this.#requests = [];
    const disagreements: string[] = [];
    for (const { bytes } of taken) {
      const strict = readRequests(bytes, STRICT);
      if (strict.fault !== undefined) disagreements.push(`strict: ${strict.fault}`);
      disagreements.push(...LENIENT_HABITS.flatMap((habits) => differences(bytes, habits, strict.requests)));
    }
    for (const connection of taken) {
      const rest = readRequests(connection.bytes, STRICT).rest;
      connection.bytes = '';
      connection.answered = 0;
      if (rest !== 'nothing') connection.socket.destroy();
    }
    this.#recorded = taken.filter(({ socket }) => !socket.destroyed);
    return { requests, disagreements };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#connections) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection: Connection = { socket, bytes: '', answered: 0, tunnel: false };
    this.#connections.add(connection);
    this.#recorded.push(connection);
    socket.on('error', () => {});
    socket.once('close', () => this.#connections.delete(connection));
    socket.on('data', (chunk: Buffer) => {
      connection.bytes += chunk.toString('latin1');
      if (!connection.tunnel) this.#answer(connection);
    });
  }

  #answer(connection: Connection): void {
    const { socket, bytes } = connection;
    if (this.#early !== undefined && /^\S+ \/x /.test(bytes)) {
      socket.end(this.#early, 'latin1');
      this.#early = undefined;
    }
    const { requests, rest } = readRequests(bytes, STRICT);
    for (const request of requests.slice(connection.answered)) {
      this.#requests.push(request);
      this.onRequest(request);
      if (socket.writable) socket.write(this.#script(request) ?? usualAnswer(request), 'latin1');
    }
    connection.answered = requests.length;
    connection.tunnel = rest === 'tunnel';
    if (rest === 'fault')
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
}

/** Names the request that it answers, so that no answer passes for another. */
export function usualAnswer(request: SeenRequest): string {
  const key = valuesOf(request, 'sec-websocket-key')[0];
  if (valuesOf(request, 'upgrade')[0]?.toLowerCase() === 'websocket' && key !== undefined) {
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  }
  const body = `${request.method} ${request.target}`;
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
  return request.method === 'HEAD' ? head : head + body;
}

function differences(bytes: string, habits: Habits, strict: SeenRequest[]): string[] {
  const lenient = readRequests(bytes, habits).requests;
  const [ours, theirs] = [strict.map(gist), lenient.map(gist)];
  return ours.join() === theirs.join() ? [] : [`${habits.name}: ${theirs.join(', ') || 'nothing'}`];
}

function gist({ method, target, body }: SeenRequest): string {
  return `${method} ${target} ${JSON.stringify(body)}`;
}
