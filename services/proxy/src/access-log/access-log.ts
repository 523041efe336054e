import type { Clock } from '@spawner/domain';
import { AccessEntry, type Asked } from './access-entry.ts';
import { LineQueue, type LineSink } from './line-queue.ts';
import type { AccessSetting } from './setting.ts';

/**
 * The access log: a JSON line for each exchange that the setting picks, when it is over; where it is on at all, for every one that
 * the proxy itself failed. What follows a path's `?` may be a token and is never written.
 */
export interface AccessLogParts {
  readonly sink: LineSink;
  readonly clock: Clock;
  /** Below 1. */
  random(): number;
  /** The proxy's name. */
  readonly proxy: string;
}

const MOST_PATH = 1_024;
const MOST_TEXT = 256;

export class AccessLog {
  readonly #parts: AccessLogParts;
  readonly #oneOf: number;
  readonly #queue: LineQueue;

  constructor(setting: Exclude<AccessSetting, { kind: 'off' }>, parts: AccessLogParts) {
    this.#parts = parts;
    this.#oneOf = setting.kind === 'sampled' ? setting.oneOf : Number.POSITIVE_INFINITY;
    this.#queue = new LineQueue(parts.sink);
  }

  /** An exchange begins; `ask` is called when its line is written, if it is. */
  begin(way: 'fast' | 'general', ask: () => Asked): AccessEntry {
    return new AccessEntry(this, way, this.#parts.random() * this.#oneOf < 1, ask);
  }

  now(): number {
    return this.#parts.clock.now();
  }

  ended(entry: AccessEntry): void {
    if (!entry.sampled && !entry.failed) return;
    const { clock, proxy } = this.#parts;
    this.#queue.add(JSON.stringify(lineOf(entry, proxy, clock.wall())));
  }

  /** Resolves when the lines have gone out, or soon. */
  close(): Promise<void> {
    return this.#queue.close();
  }
}

function lineOf(entry: AccessEntry, proxy: string, time: Date) {
  const { asked, startedAt, endedAt, firstByteAt } = entry;
  const query = asked.path.indexOf('?');
  return {
    time: time.toISOString(),
    service: 'proxy',
    log: 'access',
    proxy,
    host: asked.host.slice(0, MOST_TEXT),
    backend: asked.backend ?? null,
    method: asked.method.slice(0, MOST_TEXT),
    path: asked.path.slice(0, Math.min(query < 0 ? MOST_PATH : query, MOST_PATH)),
    status: entry.status ?? null,
    bytes_in: entry.bytesIn,
    bytes_out: entry.bytesOut,
    duration_ms: milliseconds(endedAt - startedAt),
    first_byte_ms: firstByteAt === undefined ? null : milliseconds(firstByteAt - startedAt),
    held_ms: milliseconds(entry.heldMs),
    protocol: asked.protocol,
    upgrade: entry.upgrade,
    client: asked.client,
    user_agent: asked.userAgent.slice(0, MOST_TEXT),
    path_kind: entry.way,
    reason: entry.reason ?? null,
  };
}

/** To tenths. */
function milliseconds(ms: number): number {
  return Math.round(ms * 10) / 10;
}
