import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';

/**
 * Bounds what all HTTP/2 streams have received and their backends have not taken. Node bounds it per stream, by the stream's
 * window, and has no window for all. If the sum is too large, the sessions with the most of it end. It looks only while there are
 * enough streams to exceed the bound.
 */
export class UnreadUploads {
  readonly #streams = new Set<ServerHttp2Stream>();
  #timer: NodeJS.Timeout | undefined;

  /** Follows the streams of a session that send a body, or carry a tunnel. */
  follow(session: ServerHttp2Session): void {
    session.on('stream', (stream) => {
      if (stream.endAfterHeaders) return;
      this.#streams.add(stream);
      stream.once('close', () => this.#streams.delete(stream));
      if (this.#mayExceed()) this.#timer ??= setInterval(() => this.#look(), TIMEOUTS.unreadLook).unref();
    });
  }

  #mayExceed(): boolean {
    return this.#streams.size * BOUNDS.http2Window > BOUNDS.http2Unread;
  }

  #look(): void {
    if (!this.#mayExceed()) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const unread = new Map<Http2Session, number>();
    for (const { session, readableLength } of this.#streams)
      if (session) unread.set(session, (unread.get(session) ?? 0) + readableLength);
    for (const session of beyond(unread, BOUNDS.http2Unread))
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

/** Those with the most, so many that the others have at most `bound` together. */
export function beyond<Owner>(amounts: ReadonlyMap<Owner, number>, bound: number): Owner[] {
  const largestFirst = [...amounts].sort(([, one], [, other]) => other - one);
  let total = largestFirst.reduce((sum, [, amount]) => sum + amount, 0);
  const found: Owner[] = [];
  for (const [owner, amount] of largestFirst) {
    if (total <= bound) break;
    total -= amount;
    found.push(owner);
  }
  return found;
}
