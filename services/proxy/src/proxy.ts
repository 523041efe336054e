import type { Bus } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import type { RouteTable } from '@spawner/store';
import { Activity } from './activity.ts';
import { followCertificates } from './certificates.ts';
import type { ProxyConfig } from './config.ts';
import { FastPath } from './fast/fast-path.ts';
import { KeptUpstreams } from './fast/kept-upstreams.ts';
import { Forwarder } from './forward.ts';
import { Gate } from './gate.ts';
import { Holds } from './hold.ts';
import { type Listener, listenHttp, listenHttps, type SecureListener } from './listeners.ts';
import { createMetrics } from './metrics.ts';
import { Reports } from './reports.ts';
import { EdgeServer } from './server.ts';
import { trustOf } from './trust.ts';
import { Upstreams } from './upstreams.ts';
import { Tunnels } from './websocket.ts';
import { type WithdrawalParts, Withdrawals } from './withdrawals.ts';

export interface ProxyParts {
  routes: RouteTable;
  bus: Bus;
  scheduler: WithdrawalParts['scheduler'];
  clock: Clock;
  log: Log;
  registration(): number;
}

/** Kept of the time to drain, for what is closed after the listeners. */
const CLOSING_MS = 1_000;

/**
 * The edge of one process, from its listeners to what it tells agents: put together, kept in step with
 * the routes, and taken down in order.
 */
export class EdgeProxy {
  readonly #config: ProxyConfig;
  readonly #parts: ProxyParts;
  readonly #activity: Activity;
  readonly #holds: Holds;
  readonly #gate: Gate;
  readonly #withdrawals: Withdrawals;
  readonly #upstreams = new Upstreams();
  readonly #kept: KeptUpstreams;
  readonly #tunnels = new Tunnels();
  readonly #reports: Reports;
  readonly #edge: EdgeServer;
  readonly #fast: FastPath | undefined;
  readonly #following: { close(): void };
  readonly #over = new AbortController();
  #listeners: Listener[] = [];
  #httpsPort: number | undefined;
  #certificates: Promise<void> = Promise.resolve();

  constructor(config: ProxyConfig, parts: ProxyParts) {
    const { clock, routes, bus, scheduler, log } = parts;
    this.#config = config;
    this.#parts = parts;
    this.#activity = new Activity(clock.now());
    this.#holds = new Holds(clock, { perBackend: config.heldPerBackend, total: config.heldTotal });
    this.#kept = new KeptUpstreams(config.connectTimeoutMs, clock, (error) =>
      log.error({ error }, 'an exchange failed'),
    );
    const { droneId: ownDroneId, holdTimeoutMs } = config;
    this.#withdrawals = new Withdrawals({ scheduler, clock, log }, (id) => this.#holds.release(id));
    const gateParts = {
      routes,
      holds: this.#holds,
      withdrawals: this.#withdrawals,
      activity: this.#activity,
    };
    this.#gate = new Gate({ ...gateParts, clock }, { ownDroneId, holdTimeoutMs });
    const reporter = { proxyId: config.id, registration: parts.registration };
    this.#reports = new Reports(bus, this.#activity, this.#holds, clock, reporter, (id, epoch) => {
      this.#withdrawals.asked(id, epoch);
      this.#upstreams.rest(id);
      this.#kept.rest(id);
    });
    const edgeParts = {
      gate: this.#gate,
      forwarder: new Forwarder(config.connectTimeoutMs),
      activity: this.#activity,
      upstreams: this.#upstreams,
      tunnels: this.#tunnels,
      trust: trustOf(config.trustedAddresses),
      metrics: createMetrics({
        openExchanges: () => this.#activity.total,
        openWebSockets: () => this.#tunnels.size,
        held: () => this.#holds.total,
        routes: () => routes.size,
      }),
      clock,
      log,
      isSilent: (droneId: string) => routes.isSilent(droneId),
      look: (id: string) => this.#reports.look(id),
    };
    const redirectPort = () =>
      config.redirectToHttps ? (config.publicHttpsPort ?? this.#httpsPort) : undefined;
    this.#edge = new EdgeServer(edgeParts, { ...config, redirectPort });
    if (config.fastPath)
      this.#fast = new FastPath({ ...edgeParts, upstreams: this.#kept }, { ...config, redirectPort });
    this.#following = routes.onChange((id) => this.#routeChanged(id));
  }

  /** Opens the listeners. With TLS on, both; certificates may come later. */
  async listen(): Promise<void> {
    const { bindAddress: address, maxHeaderBytes, httpPort, httpsPort, https } = this.#config;
    if (https)
      this.#serveTls(await listenHttps({ address, port: httpsPort, maxHeaderBytes }, this.#edge, this.#fast));
    this.#listeners.push(
      await listenHttp({ address, port: httpPort, maxHeaderBytes }, this.#edge, this.#fast),
    );
    const ports = this.#listeners.map(({ port }) => port);
    this.#parts.log.info({ ports }, 'listening');
  }

  /**
   * Stops accepting, answers with `Connection: close`, says 1001 to WebSockets, waits until nothing is
   * open or the time to drain is nearly over, then cuts.
   */
  async close(): Promise<void> {
    const { clock, log } = this.#parts;
    const until = clock.now() + Math.max(0, this.#config.drainMs - CLOSING_MS);
    this.#edge.drain();
    this.#holds.close();
    this.#withdrawals.close();
    this.#tunnels.goodbyeAll('going away');
    this.#over.abort(new Error('the proxy is closing'));
    for (;;) {
      for (const listener of this.#listeners) listener.drain();
      if (this.#activity.total === 0 || clock.now() >= until) break;
      await clock.sleep(20);
    }
    if (this.#activity.total > 0) log.warn({ open: this.#activity.total }, 'cutting what is still open');
    for (const listener of this.#listeners) listener.cut();
    this.#tunnels.cutAll();
    this.#upstreams.close();
    this.#kept.close();
    await this.#fast?.close();
    this.#following.close();
    await this.#certificates;
    await this.#reports.close();
  }

  #serveTls(listener: SecureListener): void {
    const { clock, log } = this.#parts;
    this.#listeners.push(listener);
    this.#httpsPort = listener.port;
    const { certificatesAddress } = this.#config;
    this.#certificates = followCertificates(
      certificatesAddress,
      (pair) => listener.use(pair),
      clock,
      log,
      this.#over.signal,
    );
  }

  #routeChanged(id: string): void {
    const route = this.#parts.routes.get(id);
    this.#withdrawals.routeChanged(id, route);
    this.#gate.routeChanged(id);
    if (!route) {
      // Not a word about its end: what runs goes on until it ends by itself.
      this.#upstreams.forget(id);
      this.#kept.closeIdle(id);
      this.#activity.forget(id);
      return;
    }
    if (route.state !== RouteState.ENDED) return;
    this.#tunnels.goodbye(id, 'the session has ended');
    this.#upstreams.closeIdle(id);
    this.#kept.closeIdle(id);
    if (route.backendState !== BackendState.TERMINATED) return;
    this.#tunnels.cut(id);
    this.#upstreams.cut(id);
    this.#kept.cut(id);
    this.#activity.forget(id);
  }
}
