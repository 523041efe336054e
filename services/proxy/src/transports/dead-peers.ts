import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { Silences, unanswered } from './unacknowledged.ts';

/**
 * Cuts connections whose other end has not acknowledged data for too long. TCP keep-alive says nothing while data is on
 * its way, and the kernel itself goes on for a quarter of an hour (tcp(7), tcp_retries2). Node cannot set
 * TCP_USER_TIMEOUT, which would also cut a reader that is there and has only paused; the kernel's tables tell the two apart.
 */
export interface DeadPeersParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limitMs: number;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Within the limit, so that a peer is found at most a quarter later. Reading costs the kernel about 7 µs a connection. */
const LOOKS = 4;
const PIECE_BYTES = 16 * 1024;

export class DeadPeers {
  readonly #parts: DeadPeersParts;
  readonly #sockets = new Set<Socket>();
  readonly #silences = new Silences();
  /** One for all: every connection has it. */
  readonly #closed: (this: Socket) => void;

  constructor(parts: DeadPeersParts) {
    this.#parts = parts;
    const sockets = this.#sockets;
    this.#closed = function (this: Socket) {
      sockets.delete(this);
    };
  }

  /** Until it closes; a second call for the same socket does nothing. */
  watch(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('close', this.#closed);
  }

  /** Looks until the signal; ends early, with a word in the log, where there are no such tables. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, limitMs } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(limitMs / LOOKS, signal).catch(() => {});
      if (this.#sockets.size === 0 || signal.aborted) continue;
      try {
        await this.#look();
      } catch (error) {
        log.warn(
          { error },
          "the kernel's connections cannot be seen from here: its own limits are left for peers that vanish",
        );
        return;
      }
    }
  }

  async #look(): Promise<void> {
    const { clock, log, limitMs } = this.#parts;
    const tries = new Map<string, number>();
    for (const table of TABLES) await readTable(table, tries);
    const late = new Set(this.#silences.seen(tries, clock.now(), limitMs));
    if (late.size === 0) return;
    for (const socket of this.#sockets) {
      if (!late.has(nameOf(socket))) continue;
      log.info({ peer: socket.remoteAddress }, 'cut: it has acknowledged nothing for too long');
      socket.destroy();
    }
  }
}

/** Adds what stands in the table; IPv6 may be absent. */
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

/** Piece by piece through one buffer: a table of many thousand lines would leave megabytes behind, again and again. */
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

/** As `unanswered` names it. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  const plain = (address = '') => address.replace(/^::ffff:/, '').replace(/%.*$/, '');
  return `${plain(localAddress)}:${localPort} ${plain(remoteAddress)}:${remotePort}`;
}
