import type { Clock } from '@spawner/domain';
import type { EdgeRequest } from '../edge/request.ts';
import { AccessEntry } from './access-entry.ts';
import { LineQueue, type LineSink } from './line-queue.ts';

/** Which exchanges are logged: none, the failed ones, or one in `oneOf` and the failed ones. */
export type AccessSetting = { kind: 'off' } | { kind: 'errors' } | { kind: 'sampled'; oneOf: number };

export const ACCESS_SETTINGS = 'off, errors, all, or 1/N with N a whole number from 1 to 1000000';

/** Parses `off`, `errors`, `all` and `1/N`; returns undefined for any other text. */
export function accessSetting(text: string): AccessSetting | undefined {
  if (text === 'off' || text === 'errors') return { kind: text };
  if (text === 'all') return { kind: 'sampled', oneOf: 1 };
  const oneOf = Number(/^1\/([1-9]\d{0,6})$/.exec(text)?.[1]);
  return oneOf <= 1_000_000 ? { kind: 'sampled', oneOf } : undefined;
}

/**
 * Writes a JSON line when an exchange is over, if the setting picks it or the proxy itself failed it. The query of a path
 * may contain a token and is never written.
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

  /** Begins the entry of one request. */
  begin(way: 'fast' | 'general', request: EdgeRequest): AccessEntry {
    return new AccessEntry(this, way, this.#parts.random() * this.#oneOf < 1, request);
  }

  now(): number {
    return this.#parts.clock.now();
  }

  ended(entry: AccessEntry): void {
    if (!entry.sampled && !entry.failed) return;
    const { clock, proxy } = this.#parts;
    this.#queue.add(JSON.stringify(lineOf(entry, proxy, clock.wall())));
  }

  /** Resolves when all lines are written, or after a second. */
  close(): Promise<void> {
    return this.#queue.close();
  }
}

function lineOf(entry: AccessEntry, proxy: string, time: Date) {
  const { request, startedAt, endedAt, firstByteAt } = entry;
  const query = request.path.indexOf('?');
  return {
    time: time.toISOString(),
    service: 'proxy',
    log: 'access',
    proxy,
    host: request.host.slice(0, MOST_TEXT),
    backend: request.backendId ?? null,
    method: request.method.slice(0, MOST_TEXT),
    path: request.path.slice(0, Math.min(query < 0 ? MOST_PATH : query, MOST_PATH)),
    status: entry.status ?? null,
    bytes_in: entry.bytesIn,
    bytes_out: entry.bytesOut,
    duration_ms: milliseconds(endedAt - startedAt),
    first_byte_ms: firstByteAt === undefined ? null : milliseconds(firstByteAt - startedAt),
    held_ms: milliseconds(entry.heldMs),
    protocol: request.protocol,
    upgrade: entry.upgrade,
    client: request.peer.remoteAddress,
    user_agent: (request.header('user-agent') ?? '').slice(0, MOST_TEXT),
    path_kind: entry.way,
    reason: entry.reason ?? null,
  };
}

/** Rounded to tenths. */
function milliseconds(ms: number): number {
  return Math.round(ms * 10) / 10;
}
