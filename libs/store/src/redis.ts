import { createClient, RESP_TYPES } from '@redis/client';
import { AppError, inTime } from '@spawner/domain';
import type { Log } from '@spawner/service';

/** No command waits longer than this for its answer, in milliseconds. */
const COMMAND_MS = 2_000;
const CONNECT_MS = 5_000;

/**
 * A connection to Redis. Commands fail with `unavailable` at once while it is away and after 2 s at
 * the latest; nothing is queued for later. Replies are Buffers where a text may be binary.
 */
export interface Redis {
  readonly ready: boolean;
  /** Any command; bulk strings come back as Buffers. */
  send(command: readonly (string | Buffer)[], options?: { timeoutMs?: number }): Promise<RedisReply>;
  /** A connection of its own with the same settings, for blocking reads. */
  duplicate(): Promise<Redis>;
  close(): Promise<void>;
}
export type RedisReply = null | number | Buffer | RedisReply[];

const reconnectMs = (attempt: number) => Math.min(50 * 2 ** attempt, 1_000);

export async function openRedis(url: string, log: Log): Promise<Redis> {
  const client = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    pingInterval: 10_000,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: reconnectMs },
  });
  let away = false;
  client.on('error', (error: unknown) => {
    if (!away) log.warn({ error }, 'Redis is away');
    away = true;
  });
  client.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  // The first connection fails at once, so that the caller can say what it waits for.
  const failed = new Promise((_, reject) => client.once('error', reject));
  try {
    await inTime(Promise.race([client.connect(), failed]), CONNECT_MS);
  } catch (error) {
    client.destroy();
    throw error;
  }
  return {
    get ready() {
      return client.isReady;
    },
    send: async (command, { timeoutMs = COMMAND_MS } = {}) => {
      try {
        const answer = client.sendCommand([...command], {
          typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer },
        });
        return (await inTime(answer, timeoutMs)) as unknown as RedisReply;
      } catch (error) {
        if (isServerReply(error)) throw error;
        throw new AppError('unavailable', 'the store is not reachable', { cause: error });
      }
    },
    duplicate: () => openRedis(url, log),
    close: async () => {
      if (client.isOpen) client.destroy();
    },
  };
}

/** Whether an error is what Redis answered, and not that it could not be asked. */
export function isServerReply(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(?:ERR|WRONGTYPE|NOSCRIPT|OOM|EPOCH|MISCONF|READONLY|NOAUTH|NOPERM)/.test(error.message)
  );
}
