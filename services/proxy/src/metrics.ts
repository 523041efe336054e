import { counter, gauge } from '@spawner/service';

/** What the proxy counts; see the README. A backend id is never an attribute. */
export interface Metrics {
  /** A request ended or was answered, or so many did; `status` is what the client saw. */
  request(outcome: string, status: number, count?: number): void;
  upstreamFailed(): void;
  /** One more came from an address that has as many as it may. */
  connectionRefused(): void;
  /** A line of the access log was dropped. */
  lineDropped(): void;
}

export interface MetricSources {
  openExchanges(): number;
  openWebSockets(): number;
  held(): number;
  waitingPages(): number;
  routes(): number;
}

export function createMetrics(sources: MetricSources): Metrics {
  const requests = counter('spawner.proxy.requests', 'Requests by what became of them');
  const failures = counter('spawner.proxy.upstream_failures', 'Exchanges that a backend did not answer');
  const refused = counter(
    'spawner.proxy.refused_connections',
    'Connections beyond the limit of their address',
  );
  const dropped = counter('spawner.proxy.access_log_dropped', 'Lines of the access log that nobody took');
  gauge('spawner.proxy.open_exchanges', 'HTTP exchanges and upgraded connections now', sources.openExchanges);
  gauge('spawner.proxy.open_websockets', 'Upgraded connections now', sources.openWebSockets);
  gauge('spawner.proxy.held', 'Requests that wait for their backend', sources.held);
  gauge('spawner.proxy.waiting_pages', 'Pages that follow how far their backend is', sources.waitingPages);
  gauge(
    'spawner.proxy.routes',
    'Rows of the route table in memory: of backends, drones and connection tokens',
    sources.routes,
  );
  return {
    request: (outcome, status, count = 1) =>
      requests({ outcome, status: `${Math.floor(status / 100)}xx` }, count),
    upstreamFailed: () => failures(),
    connectionRefused: () => refused(),
    lineDropped: () => dropped(),
  };
}
