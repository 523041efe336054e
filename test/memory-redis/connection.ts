import { AppError } from '@spawner/domain';
import { isServerReply, type Redis, type RedisReply } from '@spawner/store';
import { ErrorReply } from './errors.ts';

/** The connection was lost before an answer came. */
export class ConnectionLost extends Error {}

/** The server, as its connections use it. */
export interface ServerSide {
  isAway(): boolean;
  /** Rejects with an error reply of the server, or if this connection is closed first. */
  answer(command: readonly (string | Buffer)[], connection: object): Promise<RedisReply>;
  /** Fails the blocked reads of a connection. */
  closed(connection: object): void;
  connect(): Promise<Redis>;
}

/** A connection as `openRedis` opens it: it fails at once while the server is away, and works again afterwards. */
export class Connection implements Redis {
  readonly #server: ServerSide;
  #closed = false;

  constructor(server: ServerSide) {
    this.#server = server;
  }

  get ready(): boolean {
    return !this.#closed && !this.#server.isAway();
  }

  async send(command: readonly (string | Buffer)[]): Promise<RedisReply> {
    try {
      if (this.#closed) throw new ConnectionLost('the connection was closed');
      if (this.#server.isAway()) throw new ConnectionLost('the server is away');
      return await this.#server.answer(command, this);
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
    this.#closed = true;
    this.#server.closed(this);
  }
}
