import type { Bus } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import type { Log, ProcessIdentity } from '@spawner/service';
import type { RouteTable } from '@spawner/store';
import { AccessLog } from './access-log/access-log.ts';
import { followCertificates } from './cluster/certificates.ts';
import type { ProxyConfig } from './config.ts';
import { type Connections, Entrance } from './edge/edge.ts';
import { Reception } from './edge/policy.ts';
import { Limits } from './edge/rate-limits.ts';
import { trustOf } from './edge/trusted-addresses.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Agents } from './routing/stale-routes.ts';
import type { SuspensionParts } from './routing/suspended-routes.ts';
import type { Snapshots } from './snapshot/snapshots.ts';
import { TIMEOUTS } from './timeouts.ts';
import { Door } from './tokens/authenticate.ts';
import { Visitors } from './tokens/token-sessions.ts';
import { VanishedPeers } from './transports/dead-peers.ts';
import { type Listener, listenHttp, listenHttps, type SecureListener } from './transports/node/connection.ts';
import { Forwarder } from './transports/node/exchange.ts';
import { EdgeServer } from './transports/node/handler.ts';
import { Tunnels } from './transports/node/tunnel.ts';
import { Upstreams } from './transports/node/upstream-pool.ts';
import { FastPath } from './transports/raw/raw-transport.ts';
import { KeptUpstreams } from './transports/raw/upstream-pool.ts';
import type { TicketSource } from './workers/process-role.ts';

export interface ProxyParts {
  routes: RouteTable;
  bus: Bus;
  scheduler: SuspensionParts['scheduler'];
  agents: Agents;
  snapshots: Pick<Snapshots, 'certificate' | 'keepCertificate'>;
  clock: Clock;
  log: Log;
  /** This process, where its system tells. */
  process: ProcessIdentity | undefined;
  registration(): number;
  /** Keys of TLS session tickets that others have too. */
  tickets?: TicketSource | undefined;
}

/**
 * The edge of one process, from its listeners to what it tells agents: put together, kept in step with
 * the routes, and taken down in order.
 */
export class EdgeProxy {
  readonly #config: ProxyConfig;
  readonly #parts: ProxyParts;
  readonly #entrance: Entrance;
  readonly #upstreams = new Upstreams();
  readonly #kept: KeptUpstreams;
  readonly #tunnels = new Tunnels();
  readonly #vanished: VanishedPeers;
  readonly #edge: EdgeServer;
  readonly #fast: FastPath | undefined;
  readonly #access: AccessLog | undefined;
  readonly #following: { close(): void };
  readonly #over = new AbortController();
  #listeners: Listener[] = [];
  #httpsPort: number | undefined;
  #certificates: Promise<void> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();

  constructor(config: ProxyConfig, parts: ProxyParts) {
    const { clock, routes, log } = parts;
    this.#config = config;
    this.#parts = parts;
    this.#vanished = new VanishedPeers({ clock, log, limitMs: config.unacknowledgedTimeoutMs });
    this.#kept = new KeptUpstreams(config.connectTimeoutMs, clock, {
      opened: (upstream) => this.#vanished.watch(upstream),
      failed: (error) => log.error({ error }, 'an exchange failed'),
    });
    const entrance = new Entrance(config, { ...parts, connections: this.#connections() });
    this.#entrance = entrance;
    const { activity, gate, stateEvents } = entrance;
    const visitors = new Visitors({ routes, holds: entrance.holds, clock });
    this.#following = routes.onChange((_id, row) => visitors.rowChanged(row));
    const trust = trustOf(config.trustedAddresses);
    const limits = new Limits(config, trust);
    const door = new Door({ gate, visitors, routes });
    const redirectPort = () =>
      config.redirectToHttps ? (config.publicHttpsPort ?? this.#httpsPort) : undefined;
    const options = { ...config, redirectPort };
    const metrics = createMetrics({
      openExchanges: () => activity.total,
      openWebSockets: () => this.#tunnels.size,
      held: () => entrance.holds.total,
      waitingPages: () => stateEvents.total,
      routes: () => routes.size,
    });
    this.#access = accessLogOf(config, { clock, log, metrics });
    const edgeParts = {
      gate,
      reception: new Reception({ door, visitors, limits, stateEvents, activity, trust, clock }, options),
      visitors,
      forwarder: new Forwarder({
        connectTimeoutMs: config.connectTimeoutMs,
        connected: (upstream) => this.#vanished.watch(upstream),
      }),
      activity,
      upstreams: this.#upstreams,
      tunnels: this.#tunnels,
      vanished: this.#vanished,
      trust,
      limits,
      metrics,
      access: this.#access,
      clock,
      log,
      isSilent: (droneId: string) => routes.isSilent(droneId),
      look: (id: string) => entrance.look(id),
    };
    this.#edge = new EdgeServer(edgeParts, options);
    if (config.fastPath) this.#fast = new FastPath({ ...edgeParts, upstreams: this.#kept }, options);
  }

  /** Opens the listeners. With TLS on, both; certificates may come later. */
  async listen(): Promise<void> {
    const { bindAddress: address, maxHeaderBytes, headTimeoutMs, httpPort, httpsPort, https } = this.#config;
    const limits = { address, maxHeaderBytes, headTimeoutMs };
    if (https) this.#serveTls(await listenHttps({ ...limits, port: httpsPort }, this.#edge, this.#fast));
    this.#listeners.push(await listenHttp({ ...limits, port: httpPort }, this.#edge, this.#fast));
    this.#watching = this.#vanished.run(this.#over.signal);
    const ports = this.#listeners.map(({ port }) => port);
    this.#parts.log.info({ ports }, 'listening');
  }

  /**
   * Stops accepting, answers with `Connection: close`, says 1001 to WebSockets, waits until nothing is
   * open or held or the time to drain is nearly over, then cuts.
   */
  async close(): Promise<void> {
    const { clock, log } = this.#parts;
    const until = clock.now() + Math.max(0, this.#config.drainMs - TIMEOUTS.drainClosing);
    const { activity, holds } = this.#entrance;
    this.#edge.drain();
    this.#entrance.drain();
    this.#tunnels.goodbyeAll('going away');
    this.#over.abort(new Error('the proxy is closing'));
    for (;;) {
      for (const listener of this.#listeners) listener.drain();
      if ((activity.total === 0 && holds.total === 0) || clock.now() >= until) break;
      await clock.sleep(20);
    }
    if (activity.total > 0) log.warn({ open: activity.total }, 'cutting what is still open');
    for (const listener of this.#listeners) listener.cut();
    this.#tunnels.cutAll();
    this.#upstreams.close();
    this.#kept.close();
    await this.#fast?.close();
    await Promise.all([this.#certificates, this.#watching, this.#access?.close()]);
    this.#following.close();
    await this.#entrance.close();
  }

  #serveTls(listener: SecureListener): void {
    const { clock, log, snapshots } = this.#parts;
    this.#listeners.push(listener);
    this.#httpsPort = listener.port;
    this.#parts.tickets?.follow((keys) => listener.sealTickets(keys));
    const kept = snapshots.certificate();
    if (kept) listener.use(kept);
    const { certificatesAddress } = this.#config;
    this.#certificates = followCertificates(
      certificatesAddress,
      (pair) => {
        listener.use(pair);
        snapshots.keepCertificate(pair);
      },
      clock,
      log,
      this.#over.signal,
    );
  }

  #connections(): Connections {
    const [upstreams, kept, tunnels] = [this.#upstreams, this.#kept, this.#tunnels];
    return {
      rest: (id) => {
        upstreams.rest(id);
        kept.rest(id);
      },
      goodbye: (id) => {
        tunnels.goodbye(id, 'the session has ended');
        upstreams.closeIdle(id);
        kept.closeIdle(id);
      },
      cut: (id) => {
        tunnels.cut(id);
        upstreams.cut(id);
        kept.cut(id);
      },
      forget: (id) => {
        upstreams.forget(id);
        kept.closeIdle(id);
      },
    };
  }
}

/** On standard output, beside the service's own log. */
function accessLogOf(
  { accessLog: setting, id }: ProxyConfig,
  { clock, log, metrics }: Pick<ProxyParts, 'clock' | 'log'> & { metrics: Metrics },
): AccessLog | undefined {
  if (setting.kind === 'off') return undefined;
  const sink = {
    write: (text: string, done: () => void) => void process.stdout.write(text, () => done()),
    dropped: () => metrics.lineDropped(),
    recovered: (lines: number) =>
      log.warn({ lines }, 'lines of the access log were dropped: nobody took them'),
  };
  return new AccessLog(setting, { sink, clock, random: Math.random, proxy: id });
}
