import { counter, durations, gauge } from '@spawner/service';

/** The metrics of the proxy; the README lists them. A backend id is never an attribute. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Functions that read a number at the time of a scrape. */
type Sources = Record<'openExchanges' | 'openWebSockets' | 'held' | 'waitingPages' | 'routes', () => number>;

export function createMetrics(sources: Sources) {
  const requests = counter('spawner.proxy.requests', 'Requests by outcome');
  gauge('spawner.proxy.open_exchanges', 'Open HTTP requests and WebSockets', sources.openExchanges);
  gauge('spawner.proxy.open_websockets', 'Open WebSockets', sources.openWebSockets);
  gauge('spawner.proxy.held', 'Requests that wait for their backend', sources.held);
  gauge('spawner.proxy.waiting_pages', 'Pages that follow the state of their backend', sources.waitingPages);
  gauge(
    'spawner.proxy.routes',
    'Rows of the route table in memory: backends, drones and connection tokens',
    sources.routes,
  );
  return {
    /** `count` requests ended or were answered; `status` is the client's. */
    request: (outcome: string, status: number, count = 1): void =>
      requests({ outcome, status: `${Math.floor(status / 100)}xx` }, count),
    firstByte: durations(
      'spawner.proxy.first_byte',
      "From the opening of a backend's route to the first byte for a request that was held for it",
    ),
    upstreamFailed: counter('spawner.proxy.upstream_failures', 'Requests that a backend did not answer'),
    /** A connection was refused, because its address has as many as it may. */
    connectionRefused: counter(
      'spawner.proxy.refused_connections',
      'Connections beyond the limit of their address',
    ),
    /** A line of the access log was dropped. */
    lineDropped: counter('spawner.proxy.access_log_dropped', 'Lines of the access log that were dropped'),
  };
}
