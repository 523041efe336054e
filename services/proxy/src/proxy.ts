import type { Socket } from 'node:net';
import type { RouteTable } from '@spawner/store';
import { AccessLog } from './access-log/access-log.ts';
import { AnswerComplaints } from './access-log/answer-complaints.ts';
import { followCertificates, type KeyPair } from './cluster/certificates.ts';
import type { ProxyConfig } from './config.ts';
import { Edge, type EdgeParts } from './edge/edge.ts';
import { EdgePolicy } from './edge/policy.ts';
import { RateLimits } from './edge/rate-limits.ts';
import { trustedAddresses } from './edge/trusted-addresses.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Sessions } from './routing/sessions.ts';
import type { Snapshots } from './snapshot/snapshots.ts';
import { TIMEOUTS } from './timeouts.ts';
import { TokenSessions } from './tokens/token-sessions.ts';
import { DeadPeers } from './transports/dead-peers.ts';
import { type Listener, listenHttp, listenHttps, type SecureListener } from './transports/listeners.ts';
import { HttpxyAdapter } from './transports/node/httpxy-adapter.ts';
import { NodeTransport } from './transports/node/transport.ts';
import { NodeUpstreamPool } from './transports/node/upstream-pool.ts';
import { RawTransport } from './transports/raw/transport.ts';
import { RawUpstreamPool } from './transports/raw/upstream-pool.ts';
import type { TicketSource } from './workers/process-role.ts';

export interface ProxyParts extends Omit<EdgeParts, 'sessions'> {
  routes: RouteTable;
  snapshots: Pick<Snapshots, 'certificate' | 'keepCertificate'>;
  /** Keys of TLS session tickets, shared with other workers. */
  tickets?: TicketSource | undefined;
}

/** The edge of one process: its composition, from the listeners to the reports for agents, and its end. */
export class EdgeProxy {
  readonly #config: ProxyConfig;
  readonly #parts: ProxyParts;
  readonly #made: ReturnType<typeof compose>;
  readonly #over = new AbortController();
  readonly #listeners: Listener[] = [];
  #httpsPort: number | undefined;
  /** Loops that end with `#over`. */
  readonly #running: Promise<void>[] = [];

  constructor(config: ProxyConfig, parts: ProxyParts) {
    this.#config = config;
    this.#parts = parts;
    this.#made = compose(config, parts, () => this.#redirectPort());
  }

  /** Opens the listeners: with HTTPS on, both. Certificates may come later. */
  async listen(): Promise<void> {
    const { bindAddress: address, maxHeaderBytes, headTimeoutMs, httpPort, httpsPort, https } = this.#config;
    const options = { address, maxHeaderBytes, headTimeoutMs };
    if (https) this.#serveTls(await listenHttps({ ...options, port: httpsPort }, this.#made.listening));
    this.#listeners.push(await listenHttp({ ...options, port: httpPort }, this.#made.listening));
    this.#running.push(this.#made.deadPeers.run(this.#over.signal));
    const ports = this.#listeners.map(({ port }) => port);
    this.#parts.log.info({ ports }, 'listening');
  }

  /**
   * Drains: accepts no more connections, answers with `Connection: close`, closes WebSockets with 1001, and waits until nothing
   * is open or held, or the drain time is nearly over. Then it cuts what is left.
   */
  async close(): Promise<void> {
    const { clock, log } = this.#parts;
    const until = clock.now() + Math.max(0, this.#config.drainMs - TIMEOUTS.drainClosing);
    const { edge, sessions, raw, accessLog, following } = this.#made;
    const { requests, holds } = edge;
    sessions.drain();
    edge.drain();
    this.#over.abort(new Error('the proxy is closing'));
    for (;;) {
      for (const listener of this.#listeners) listener.drain();
      if ((requests.total === 0 && holds.total === 0) || clock.now() >= until) break;
      await clock.sleep(20);
    }
    if (requests.total > 0) log.warn({ open: requests.total }, 'cutting what is still open');
    for (const listener of this.#listeners) listener.cut();
    sessions.close();
    await raw?.close();
    await Promise.all([...this.#running, accessLog?.close()]);
    following.close();
    await edge.close();
  }

  #redirectPort(): number | undefined {
    const { redirectToHttps, publicHttpsPort } = this.#config;
    return redirectToHttps ? (publicHttpsPort ?? this.#httpsPort) : undefined;
  }

  #serveTls(listener: SecureListener): void {
    const { clock, log, snapshots } = this.#parts;
    this.#listeners.push(listener);
    this.#httpsPort = listener.port;
    this.#parts.tickets?.follow((keys) => listener.sealTickets(keys));
    const kept = snapshots.certificate();
    if (kept) listener.use(kept);
    const take = (pair: KeyPair) => {
      listener.use(pair);
      snapshots.keepCertificate(pair);
    };
    const { signal } = this.#over;
    this.#running.push(followCertificates(this.#config.certificatesAddress, take, { clock, log, signal }));
  }
}

/** Everything between the listeners and the reports to agents. */
function compose(config: ProxyConfig, parts: ProxyParts, redirectPort: () => number | undefined) {
  const { clock, routes, log } = parts;
  const { clusterDomain, connectTimeoutMs, maxAnswerHeaderBytes } = config;
  const deadPeers = new DeadPeers(clock, log, config.unacknowledgedTimeoutMs);
  const dialling = { connectTimeoutMs, connected: deadPeers.watch.bind(deadPeers) };
  const nodeUpstreams = new NodeUpstreamPool(maxAnswerHeaderBytes);
  const upstreams = new RawUpstreamPool(dialling, clock, log);
  const sessions = new Sessions([nodeUpstreams, upstreams]);
  const edge = new Edge(config, { ...parts, sessions });
  const { requests, router, stateEvents, queue, holds } = edge;
  const tokens = new TokenSessions({ routes, holds, clock });
  const trust = trustedAddresses(config.trustedAddresses);
  const limits = new RateLimits(config, trust);
  const metrics = createMetrics({
    openExchanges: () => requests.total,
    openWebSockets: () => sessions.tunnels,
    held: () => edge.holds.total,
    waitingPages: () => stateEvents.total,
    routes: () => routes.size,
  });
  const accessLog = accessLogOf(config, parts, metrics);
  const look = (backendId: string) => edge.reports.look(backendId);
  const complaints = new AnswerComplaints(clock, log, (backendId, objection) =>
    edge.reports.unforwardable(backendId, objection),
  );
  const policy = new EdgePolicy(
    {
      ...{ router, tokens, routes, limits, stateEvents, queue, requests, holds },
      ...{ metrics, complaints, clock, look },
    },
    { ...config, redirectPort },
  );
  const shared = { policy, sessions, tokens, metrics, accessLog, clusterDomain, clock, log };
  const httpxy = new HttpxyAdapter(nodeUpstreams, dialling);
  const options = { ...config, trust };
  const node = new NodeTransport({ ...shared, httpxy, dialling, upstreams: nodeUpstreams }, options);
  const raw = config.fastPath ? new RawTransport({ ...shared, upstreams }, options) : undefined;
  const connected = (socket: Socket) => {
    if (limits.connected(socket)) deadPeers.watch(socket);
    else {
      metrics.connectionRefused();
      socket.destroy();
    }
  };
  const following = routes.onChange((_id, row) => tokens.rowChanged(row));
  return { edge, sessions, deadPeers, raw, accessLog, following, listening: { node, raw, connected } };
}

/** The access log on standard output, beside the service's own log; undefined if it is off. */
function accessLogOf(config: ProxyConfig, { clock, log }: ProxyParts, metrics: Metrics) {
  const { accessLog: setting, id } = config;
  if (setting.kind === 'off') return undefined;
  const sink = {
    write: (text: string, done: () => void) => void process.stdout.write(text, () => done()),
    dropped: () => metrics.lineDropped(),
    recovered: (lines: number) =>
      log.warn({ lines }, 'lines of the access log were dropped, because their reader was too slow'),
  };
  return new AccessLog(setting, { sink, clock, random: Math.random, proxy: id });
}
