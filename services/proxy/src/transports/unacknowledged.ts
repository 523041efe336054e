import { SocketAddress } from 'node:net';

/**
 * Peers that acknowledge nothing, from lines of the kernel's table of connections (`/proc/net/tcp`, proc(5)). A peer that has only
 * stopped reading answers every probe of its window, so it is never one of them. Pure.
 */

/** Fewer are ordinary packet loss. */
const TRIES = 3;
const RETRANSMITTING = '01';
const PROBING_A_CLOSED_WINDOW = '04';
/** `sl local remote st tx:rx timer:when retransmits uid probes …`, in hexadecimal up to the retransmits. */
const LINE = /^\s*\d+: (\S+) (\S+) \S\S \S+ (\S\S):\S+ ([\dA-F]{8})\s+\d+\s+(\d+) /;

/**
 * Returns the name of a connection, `local address:port remote address:port`, and how often the kernel has sent the same bytes
 * again without an answer. Returns undefined for a connection that waits for no acknowledgement, as nearly all.
 */
export function unanswered(line: string) {
  const [, local = '', remote = '', timer, retransmits = '', probes = ''] = LINE.exec(line) ?? [];
  if (timer !== RETRANSMITTING && timer !== PROBING_A_CLOSED_WINDOW) return undefined;
  const tries = timer === RETRANSMITTING ? Number.parseInt(retransmits, 16) : Number(probes);
  return tries > 0 ? { name: `${readable(local)} ${readable(remote)}`, tries } : undefined;
}

/** The time since which each connection has been silent. */
export class Silences {
  #since = new Map<string, { at: number; tries: number }>();

  /**
   * Takes the counts of the table now. Returns the names of the connections that have been silent for `limitMs`. An answer resets
   * the kernel's count, so a count that has fallen starts a new silence.
   */
  seen(tries: ReadonlyMap<string, number>, now: number, limitMs: number): string[] {
    const since = new Map<string, { at: number; tries: number }>();
    for (const [name, count] of tries) {
      const before = this.#since.get(name);
      since.set(name, { at: before && count >= before.tries ? before.at : now, tries: count });
    }
    this.#since = since;
    return [...since]
      .filter(([, { at, tries: count }]) => now - at >= limitMs && count >= TRIES)
      .map(([name]) => name);
  }
}

/** The kernel prints addresses as 32-bit words of the machine's order, here that of the processors that Node runs on. */
function readable(text: string): string {
  const [hex = '', port = ''] = text.split(':');
  const bytes = Buffer.from(hex, 'hex').swap32();
  return `${addressOf(bytes)}:${Number.parseInt(port, 16)}`;
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
  return address.replace(/^::ffff:/, '');
}
