import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { Silences, unanswered } from './silences.ts';

/**
 * Cuts connections whose other end has not acknowledged data for too long. TCP keep-alive says nothing while data is on
 * its way, and the kernel itself goes on for a quarter of an hour (tcp(7), tcp_retries2). Node cannot set
 * TCP_USER_TIMEOUT, which would also cut a reader that is there and has only paused; the kernel's tables tell the two apart.
 */
export interface VanishedPeersParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limitMs: number;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Within the limit, so that a peer is found at most a quarter later. Reading costs the kernel about 7 µs a connection. */
const LOOKS = 4;

export class VanishedPeers {
  readonly #parts: VanishedPeersParts;
  readonly #sockets = new Set<Socket>();
  readonly #silences = new Silences();

  constructor(parts: VanishedPeersParts) {
    this.#parts = parts;
  }

  /** Until it closes; a second call for the same socket does nothing. */
  watch(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
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

/** Adds what stands in the table; IPv6 may be absent. Read piece by piece, because it may have many thousand lines. */
async function readTable(table: string, tries: Map<string, number>): Promise<void> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(table, 'latin1')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const found = unanswered(line);
        if (found) tries.set(found.name, found.tries);
      }
    }
  } catch (error) {
    if (table !== TABLES[1]) throw error;
  }
}

/** As `unanswered` names it. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  const plain = (address = '') => address.replace(/^::ffff:/, '').replace(/%.*$/, '');
  return `${plain(localAddress)}:${localPort} ${plain(remoteAddress)}:${remotePort}`;
}
