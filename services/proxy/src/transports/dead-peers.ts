import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { Silences, unanswered } from './unacknowledged.ts';

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Looks within the limit: a peer is found at most a quarter of it late. Reading costs the kernel about 7 µs a connection. */
const LOOKS = 4;
const PIECE_BYTES = 16 * 1024;

/**
 * Cuts connections whose other end has acknowledged no data for too long. TCP keep-alive does not probe while data is in flight,
 * and the kernel retries for a quarter of an hour (tcp(7), tcp_retries2). Node cannot set TCP_USER_TIMEOUT, which would also cut a
 * reader that has only paused; the kernel's tables tell the two apart.
 */
export class DeadPeers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limitMs: number;
  readonly #sockets = new Set<Socket>();
  readonly #silences = new Silences();
  /** A single function for all, because every connection holds it. */
  readonly #closed: (this: Socket) => void;

  /** `limitMs`: how long a peer may acknowledge nothing. */
  constructor(clock: Clock, log: Log, limitMs: number) {
    this.#clock = clock;
    this.#log = log;
    this.#limitMs = limitMs;
    const sockets = this.#sockets;
    this.#closed = function (this: Socket) {
      sockets.delete(this);
    };
  }

  /** Watches a socket until it closes. A second call for the same socket does nothing. */
  watch(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('close', this.#closed);
  }

  /** Looks until the signal. Ends early, and logs it, if the kernel has no such tables. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#limitMs / LOOKS, signal).catch(() => {});
      if (this.#sockets.size === 0 || signal.aborted) continue;
      try {
        await this.#look();
      } catch (error) {
        this.#log.warn(
          { error },
          "the kernel's connections cannot be read: vanished peers are found by its own limits only",
        );
        return;
      }
    }
  }

  async #look(): Promise<void> {
    const tries = new Map<string, number>();
    for (const table of TABLES) await readTable(table, tries);
    const late = new Set(this.#silences.seen(tries, this.#clock.now(), this.#limitMs));
    if (late.size === 0) return;
    for (const socket of this.#sockets) {
      if (!late.has(nameOf(socket))) continue;
      this.#log.info(
        { peer: socket.remoteAddress },
        'cut a connection whose peer acknowledged nothing for too long',
      );
      socket.destroy();
    }
  }
}

/** Adds the connections of a table; that of IPv6 may be absent. */
async function readTable(table: string, tries: Map<string, number>): Promise<void> {
  try {
    await using file = await open(table);
    for await (const lines of linesOf(file)) {
      for (const line of lines) {
        const found = unanswered(line);
        if (found) tries.set(found.name, found.tries);
      }
    }
  } catch (error) {
    if (table !== TABLES[1]) throw error;
  }
}

/** Reads piece by piece through one buffer: a table of many thousand lines would leave megabytes of garbage each time. */
async function* linesOf(file: FileHandle): AsyncGenerator<string[]> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (let rest = ''; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
}

/** The name that `unanswered` gives to the connection. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  const plain = (address = '') => address.replace(/^::ffff:/, '').replace(/%.*$/, '');
  return `${plain(localAddress)}:${localPort} ${plain(remoteAddress)}:${remotePort}`;
}
