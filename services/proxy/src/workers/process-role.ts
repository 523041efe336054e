import cluster from 'node:cluster';
import { type AdminSources, OWN_PLACE, type Place } from '@spawner/service';
import type { FromWorker, ToWorker } from './messages.ts';

/** Where keys for TLS session tickets come from: calls back with those of now and with all later ones. */
export interface TicketSource {
  follow(take: (keys: Buffer) => void): void;
}

export interface ProxyPlace {
  readonly place: Place;
  /** Nothing where the process makes its own. */
  readonly tickets: TicketSource | undefined;
}

const STATE_EVERY_MS = 1_000;
/** A worker that begins to serve, or stops, says so within this time. */
const CHANGE_SEEN_MS = 50;

/** Where this process stands: by itself, or as a worker under its supervisor. */
export function ownPlace(): ProxyPlace {
  return cluster.worker
    ? new WorkerPlace(process.env.SPAWNER_PROXY_ID ?? '')
    : { place: OWN_PLACE, tickets: undefined };
}

/**
 * A worker's place: it answers its supervisor instead of having an admin port, and drains when it is told to, or when its
 * supervisor has gone.
 */
class WorkerPlace implements ProxyPlace, Place, TicketSource {
  readonly logFields: Readonly<Record<string, string>>;
  readonly place = this;
  readonly tickets = this;
  #keys: Buffer | undefined;
  #takeKeys: ((keys: Buffer) => void) | undefined;
  #stop: ((cause: string) => void) | undefined;
  #sources: AdminSources | undefined;

  constructor(id: string) {
    this.logFields = { proxy: id };
    process.on('message', (message: ToWorker) => this.#hear(message));
    cluster.worker?.once('disconnect', () => {
      // Else Node ends the process here and now, and every exchange with it.
      if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
      this.#stop?.('the supervisor has gone');
    });
  }

  follow(take: (keys: Buffer) => void): void {
    this.#takeKeys = take;
    if (this.#keys) take(this.#keys);
  }

  onStop(stop: (cause: string) => void): void {
    this.#stop = stop;
    if (!process.connected) stop('the supervisor has gone');
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
