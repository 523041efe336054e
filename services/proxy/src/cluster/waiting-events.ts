import { type Bus, SUBJECTS } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Route, RouteTable } from '@spawner/store';
import type { HoldLimits } from '../routing/hold-queue.ts';
import { TIMEOUTS } from '../timeouts.ts';

/**
 * How far backends are that are not ready, for the pages that wait in their place: server-sent events on the user's own
 * host, at a path that is the proxy's only as long as the backend could not be asked anyway. A stream tells each state
 * (`state`), and ends when there is something else to see at the page's address (`over`). That it is over comes from the
 * route table; the states in between are no change of the edge's answer, so they come as hints from the bus.
 */
export interface StateEventsParts {
  readonly routes: Pick<RouteTable, 'get'>;
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly clock: Clock;
}

/** Where the events go. */
export interface EventSink {
  write(text: string): void;
  end(): void;
}

interface Onlookers {
  readonly sinks: Set<EventSink>;
  readonly hints: { close(): void };
  /** What they were told last. */
  state: BackendState;
}

export class StateEvents {
  readonly #parts: StateEventsParts;
  readonly #limits: HoldLimits;
  readonly #watched = new Map<string, Onlookers>();
  #total = 0;
  #closed = false;

  /** So many streams per backend and in all. */
  constructor(parts: StateEventsParts, limits: HoldLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  hasRoom(id: string): boolean {
    const present = this.#watched.get(id)?.sinks.size ?? 0;
    return !this.#closed && this.#total < this.#limits.total && present < this.#limits.perBackend;
  }

  /** Tells this sink from now on, for a minute at most; what it returns ends that, and may be called twice. */
  follow(id: string, sink: EventSink): () => void {
    const route = this.#parts.routes.get(id);
    if (this.#closed || isOver(route)) {
      finish(sink, !this.#closed);
      return () => {};
    }
    const watched = this.#watched.get(id) ?? this.#watch(id, route);
    watched.sinks.add(sink);
    this.#total += 1;
    sink.write(`retry: 500\n${stateEvent(watched.state)}`);
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

  /** Every stream ends, and none begins; the pages ask elsewhere. */
  close(): void {
    this.#closed = true;
    for (const [id, watched] of this.#watched) this.#finishAll(id, watched, false);
  }

  #watch(id: string, route: Route | undefined): Onlookers {
    const hints = this.#parts.bus.subscribe(SUBJECTS.backendState, id, ({ backend }) => {
      // Ready is what the route says.
      if (backend && backend.state < BackendState.READY) this.#tell(watched, backend.state);
    });
    const state = route?.backendState ?? BackendState.SCHEDULED;
    const watched: Onlookers = { sinks: new Set(), hints, state };
    this.#watched.set(id, watched);
    return watched;
  }

  /** States only go on; one that comes late is no news. */
  #tell(watched: Onlookers, state: BackendState): void {
    if (state <= watched.state) return;
    watched.state = state;
    for (const sink of watched.sinks) sink.write(stateEvent(state));
  }

  #finishAll(id: string, watched: Onlookers, over: boolean): void {
    for (const sink of [...watched.sinks]) {
      this.#leave(id, watched, sink);
      finish(sink, over);
    }
  }

  #leave(id: string, watched: Onlookers, sink: EventSink): void {
    if (!watched.sinks.delete(sink)) return;
    this.#total -= 1;
    if (watched.sinks.size > 0) return;
    watched.hints.close();
    if (this.#watched.get(id) === watched) this.#watched.delete(id);
  }
}

/** A route that nobody has heard of yet is on its way. */
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
