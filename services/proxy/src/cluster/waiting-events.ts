import { type Bus, type QueuePositions, SUBJECTS } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Route, RouteTable } from '@spawner/store';
import type { HoldLimits } from '../routing/hold-queue.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { pullWords, queueWords } from './queue-words.ts';

/**
 * Streams the progress of starting backends to their waiting pages, as server-sent events on the backend's host. The path
 * belongs to the proxy only while the backend is not ready. A stream sends each state (`state`), each place in the queue
 * (`queue`), and ends when the page should load its address again (`over`). The end comes from the route table. All else
 * does not change the edge's answer, so it comes as hints from the bus.
 */
export interface StateEventsParts {
  readonly routes: Pick<RouteTable, 'get'>;
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly queue: Pick<QueuePositions, 'of' | 'pullOf' | 'follow'>;
  readonly clock: Clock;
}

/** The response that the events are written to. */
export interface EventSink {
  write(text: string): void;
  end(): void;
}

interface Watched {
  readonly sinks: Set<EventSink>;
  readonly hints: readonly { close(): void }[];
  /** The latest state that was sent. */
  state: BackendState;
  /** The latest event of the queue that was sent. */
  queue: string;
}

export class StateEvents {
  readonly #parts: StateEventsParts;
  readonly #limits: HoldLimits;
  readonly #watched = new Map<string, Watched>();
  /** Number of open streams. */
  total = 0;
  #closed = false;

  /** `limits` bounds the streams, per backend and in all. */
  constructor(parts: StateEventsParts, limits: HoldLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  hasRoom(id: string): boolean {
    const present = this.#watched.get(id)?.sinks.size ?? 0;
    const { heldPerBackend, heldTotal } = this.#limits;
    return !this.#closed && this.total < heldTotal && present < heldPerBackend;
  }

  /** Sends events to this sink for at most a minute. The returned function ends that, and may be called twice. */
  follow(id: string, sink: EventSink): () => void {
    const route = this.#parts.routes.get(id);
    if (this.#closed || isOver(route)) {
      finish(sink, !this.#closed);
      return () => {};
    }
    const watched = this.#watched.get(id) ?? this.#watch(id, route);
    watched.sinks.add(sink);
    this.total += 1;
    sink.write(`retry: 500\n${stateEvent(watched.state)}${this.#queueEvent(id, watched)}`);
    const late = new AbortController();
    const leave = () => {
      late.abort(new Error('the stream is over'));
      this.#leave(id, watched, sink);
    };
    this.#parts.clock.sleep(TIMEOUTS.stateEvents, late.signal).then(
      () => {
        leave();
        sink.end();
      },
      () => {},
    );
    return leave;
  }

  routeChanged(id: string, route: Route | undefined): void {
    const watched = this.#watched.get(id);
    if (!watched) return;
    if (isOver(route) || !route) this.#finishAll(id, watched, true);
    else this.#tell(watched, route.backendState);
  }

  /** Ends every stream and opens no more; the pages ask another proxy. */
  close(): void {
    this.#closed = true;
    for (const [id, watched] of this.#watched) this.#finishAll(id, watched, false);
  }

  #watch(id: string, route: Route | undefined): Watched {
    const { bus, queue } = this.#parts;
    const hints = [
      bus.subscribe(SUBJECTS.backendState, id, ({ backend }) => {
        // Only the route says that a backend is ready.
        if (backend && backend.state < BackendState.READY) this.#tell(watched, backend.state);
      }),
      queue.follow(id, () => this.#tellQueue(id, watched)),
    ];
    const state = route?.backendState ?? BackendState.SCHEDULED;
    const watched: Watched = { sinks: new Set(), hints, state, queue: '' };
    watched.queue = this.#queueEvent(id, watched);
    this.#watched.set(id, watched);
    return watched;
  }

  /** The place in the queue or the pull, as the page says it; empty if the backend is not known to wait. */
  #queueEvent(id: string, { state }: Watched): string {
    if (state >= BackendState.STARTING) return '';
    const { queue } = this.#parts;
    const [queued, pull] = [queue.of(id), queue.pullOf(id)];
    const words = queued ? queueWords(queued) : pullWords(pull);
    return words === '' ? '' : `event: queue\ndata: ${words}\n\n`;
  }

  #tellQueue(id: string, watched: Watched): void {
    const event = this.#queueEvent(id, watched);
    if (event === watched.queue) return;
    watched.queue = event;
    // The page shows the words of the state again.
    const news = event || stateEvent(watched.state);
    for (const sink of watched.sinks) sink.write(news);
  }

  /** States only advance, so a late hint is ignored. */
  #tell(watched: Watched, state: BackendState): void {
    if (state <= watched.state) return;
    watched.state = state;
    if (state >= BackendState.STARTING) watched.queue = '';
    for (const sink of watched.sinks) sink.write(stateEvent(state));
  }

  #finishAll(id: string, watched: Watched, over: boolean): void {
    for (const sink of [...watched.sinks]) {
      this.#leave(id, watched, sink);
      finish(sink, over);
    }
  }

  #leave(id: string, watched: Watched, sink: EventSink): void {
    if (!watched.sinks.delete(sink)) return;
    this.total -= 1;
    if (watched.sinks.size > 0) return;
    for (const hints of watched.hints) hints.close();
    if (this.#watched.get(id) === watched) this.#watched.delete(id);
  }
}

/** An unknown route may still arrive, so it is not over. */
function isOver(route: Route | undefined): boolean {
  return route !== undefined && route.state !== RouteState.PENDING;
}

function stateEvent(state: BackendState): string {
  const name = Object.entries(BackendState).find(([, number]) => number === state)?.[0] ?? '';
  return `event: state\ndata: ${name}\n\n`;
}

function finish(sink: EventSink, over: boolean): void {
  if (over) sink.write('event: over\ndata: \n\n');
  sink.end();
}
