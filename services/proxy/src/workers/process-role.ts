import cluster from 'node:cluster';
import { type AdminSources, OWN_PLACE, type Place } from '@spawner/service';
import type { ProxyConfig } from '../config.ts';
import type { FromWorker, ToWorker } from './worker-process.ts';

/** A source of keys for TLS session tickets: calls back with the present keys and with all later ones. */
export interface TicketSource {
  follow(take: (keys: Buffer) => void): void;
}

const STATE_EVERY_MS = 1_000;
/** A worker reports within this time that it begins to serve, or stops. */
const CHANGE_SEEN_MS = 50;

/** The part of this process in a proxy: a proxy or supervisor by itself, which makes its own keys, or a supervisor's worker. */
export function processRole() {
  return cluster.worker ? new WorkerRole() : { place: () => OWN_PLACE, tickets: undefined };
}

/** A worker has no admin port: it answers its supervisor, and drains when that asks for it or has ended. */
class WorkerRole implements Place, TicketSource {
  readonly tickets = this;
  logFields: Readonly<Record<string, string>> = {};
  #keys: Buffer | undefined;
  #takeKeys: ((keys: Buffer) => void) | undefined;
  #stop: ((cause: string) => void) | undefined;
  #sources: AdminSources | undefined;

  constructor() {
    process.on('message', (message: ToWorker) => this.#hear(message));
    cluster.worker?.once('disconnect', () => {
      // Otherwise Node ends the process immediately, with every exchange.
      if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
      this.#stop?.('the supervisor has ended');
    });
  }

  /** A worker that keeps its name in its state directory learns it later, so its log has none. */
  place({ id, named }: ProxyConfig): Place {
    this.logFields = { proxy: named ? id : '' };
    return this;
  }

  follow(take: (keys: Buffer) => void): void {
    this.#takeKeys = take;
    if (this.#keys) take(this.#keys);
  }

  onStop(stop: (cause: string) => void): void {
    this.#stop = stop;
    if (!process.connected) stop('the supervisor has ended');
  }

  async serveAdmin(_config: unknown, sources: AdminSources) {
    this.#sources = sources;
    let said = '';
    let saidAt = 0;
    const say = () => {
      const waitingFor = sources.waitingFor();
      const now = performance.now();
      if (waitingFor.join() === said && now - saidAt < STATE_EVERY_MS) return;
      said = waitingFor.join();
      saidAt = now;
      tell({ kind: 'state', waitingFor });
    };
    const saying = setInterval(say, CHANGE_SEEN_MS);
    return { close: () => clearInterval(saying) };
  }

  #hear(message: ToWorker): void {
    if (message.kind === 'ticket keys') {
      this.#keys = Buffer.from(message.keys, 'base64');
      this.#takeKeys?.(this.#keys);
    } else if (message.kind === 'drain') this.#stop?.('its supervisor');
    else void this.#tellMetrics(message.question);
  }

  async #tellMetrics(question: number): Promise<void> {
    const text = await this.#sources?.metrics().catch(() => '');
    tell({ kind: 'metrics', question, text: text ?? '' });
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
