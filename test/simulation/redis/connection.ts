import { AppError } from '@spawner/domain';
import { isServerReply, type Redis, type RedisReply } from '@spawner/store';
import { ErrorReply } from './reply.ts';

/** Why a command has no answer. Anything else that is thrown is a fault of the program. */
export class ConnectionLost extends Error {}

/** What a connection knows of its server. */
export interface ServerSide {
  isAway(): boolean;
  /** Rejects with what the server answers, or with the signal's reason where the connection is closed first. */
  answer(command: readonly (string | Buffer)[], signal: AbortSignal): Promise<RedisReply>;
  connect(): Promise<Redis>;
}

/** A connection as `openRedis` gives it: it fails at once while the server is away, and works again when it is back. */
export class Connection implements Redis {
  readonly #server: ServerSide;
  readonly #closed = new AbortController();

  constructor(server: ServerSide) {
    this.#server = server;
  }

  get ready(): boolean {
    return !this.#closed.signal.aborted && !this.#server.isAway();
  }

  async send(command: readonly (string | Buffer)[]): Promise<RedisReply> {
    try {
      this.#closed.signal.throwIfAborted();
      if (this.#server.isAway()) throw new ConnectionLost('the server is away');
      return await this.#server.answer(command, this.#closed.signal);
    } catch (error) {
      const away = error instanceof ErrorReply ? !isServerReply(error) : error instanceof ConnectionLost;
      if (!away) throw error;
      throw new AppError('unavailable', 'the store is not reachable', { cause: error });
    }
  }

  duplicate(): Promise<Redis> {
    return this.#server.connect();
  }

  async close(): Promise<void> {
    this.#closed.abort(new ConnectionLost('the connection was closed'));
  }
}
