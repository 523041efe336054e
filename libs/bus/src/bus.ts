import {
  connect,
  headers,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { AppError, inTime } from '@spawner/domain';
import { type Context, extractTrace, injectTrace, type Log } from '@spawner/service';
import type { Codec, Question, Subject } from './subjects.ts';

const FLUSH_MS = 500;

/** Takes a message, with the trace that it belongs to. */
export type Take<T> = (message: T, trace: Context | undefined) => void;

export interface Subscribed {
  /** Resolves when the subscription receives messages. */
  established(): Promise<void>;
  close(): void;
}

/** Telemetry: typed publish, subscribe, and ask. Nothing is durable; a message published while the bus is away is lost. */
export type Bus = Pick<NatsBus, 'connected' | 'publish' | 'subscribe' | 'answer' | 'ask' | 'close'>;

/** The bus over NATS. It logs and skips a message that it cannot read. */
class NatsBus {
  readonly #connection: NatsConnection;
  readonly #log: Log;
  #connected = true;

  constructor(connection: NatsConnection, log: Log) {
    this.#connection = connection;
    this.#log = log;
    void this.#follow();
  }

  get connected(): boolean {
    return this.#connected;
  }

  publish<T>(subject: Subject<T>, id: string, message: T): void {
    if (!this.#connected) return;
    try {
      this.#connection.publish(subject.of(id), bytes(subject.codec, message), { headers: traceHeaders() });
    } catch (error) {
      if (!this.#connection.isClosed())
        this.#log.warn({ error, subject: subject.of(id) }, 'publishing failed');
    }
  }

  /** Calls `take` for every message until the result is closed. Without an id it takes messages of every id. */
  subscribe<T>(subject: Subject<T>, id: string | undefined, take: Take<T>): Subscribed {
    const subscription = this.#connection.subscribe(id === undefined ? subject.all : subject.of(id));
    void this.#each(subscription, subject.codec, take);
    return { established: () => this.#flushed(), close: () => subscription.unsubscribe() };
  }

  /** Answers questions until the result is closed. */
  answer<T, R>(question: Question<T, R>, id: string, reply: (message: T) => R): { close(): void } {
    const subscription = this.#connection.subscribe(question.of(id));
    void this.#each(subscription, question.codec, (message, _trace, respond) =>
      respond(bytes(question.reply, reply(message))),
    );
    return { close: () => subscription.unsubscribe() };
  }

  /** Asks one id. Throws `unavailable` if no answer arrives within `timeoutMs`. */
  async ask<T, R>(question: Question<T, R>, id: string, message: T, timeoutMs: number): Promise<R> {
    try {
      const answer = await this.#connection.request(question.of(id), bytes(question.codec, message), {
        timeout: timeoutMs,
        headers: traceHeaders(),
      });
      return question.reply.decode(answer.data);
    } catch (error) {
      throw new AppError('unavailable', `no answer on ${question.of(id)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed()) return;
    await (this.#connected ? this.#connection.drain() : this.#connection.close());
  }

  /** Resolves when the server has processed everything sent so far, or after half a second; hints may be missed then. */
  async #flushed(): Promise<void> {
    const flushed = this.#connected ? this.#connection.flush().catch(() => {}) : Promise.resolve();
    await inTime(flushed, FLUSH_MS, () => {});
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect' && this.#connected) this.#log.warn('NATS is away');
      if (type === 'reconnect') this.#log.info('NATS is back');
      if (type === 'disconnect' || type === 'reconnect') this.#connected = type === 'reconnect';
    }
    this.#connected = false;
  }

  async #each<T>(
    subscription: Subscription,
    codec: Codec<T>,
    take: (message: T, trace: Context | undefined, respond: (data: Uint8Array) => void) => void,
  ): Promise<void> {
    for await (const message of subscription) {
      try {
        take(codec.decode(message.data), traceOf(message.headers), (data) => message.respond(data));
      } catch (error) {
        this.#log.warn({ error, subject: message.subject }, 'a message could not be read');
      }
    }
  }
}

/** The pause between two attempts to reconnect is `waitMs` and up to `waitMs` more. */
const RECONNECT = { waitMs: 250 };

/** Connects once, and reconnects without end after that. The URL may carry user and password, or a token. */
export async function openBus(
  url: string,
  name: string,
  log: Log,
  { waitMs }: { waitMs: number } = RECONNECT,
): Promise<Bus> {
  const { username, password, protocol, host } = new URL(url);
  const connection = await connect({
    servers: `${protocol}//${host}`,
    name,
    ...(password ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
    ...(username && !password ? { token: decodeURIComponent(username) } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: waitMs,
    reconnectJitter: waitMs,
    pingInterval: 20_000,
    timeout: 5_000,
  });
  return new NatsBus(connection, log);
}

function bytes<T>(codec: Codec<T>, message: T): Uint8Array {
  return codec.encode(message).finish();
}

function traceHeaders(): MsgHdrs | undefined {
  const trace = Object.entries(injectTrace());
  if (trace.length === 0) return undefined;
  const carried = headers();
  for (const [name, value] of trace) carried.set(name, value);
  return carried;
}

function traceOf(carried: MsgHdrs | undefined): Context | undefined {
  return extractTrace({ traceparent: carried?.get('traceparent'), tracestate: carried?.get('tracestate') });
}
