/** Connections to backends that one transport keeps between requests. */
export interface UpstreamPool {
  /** Keeps no connection to this backend until its next request: those that are free close now, the others when they are. */
  rest(backendId: string): void;
  /** Closes the connections to this backend that carry nothing now. */
  closeIdle(backendId: string): void;
  /** Cuts every connection to this backend. */
  cut(backendId: string): void;
  /** The route is unknown from now on. Requests that are open run to their end. */
  forget(backendId: string): void;
  /** Cuts everything. */
  close(): void;
}

/** An upgraded connection, whichever transport carries its bytes. */
export interface OpenTunnel {
  /** Resolves when both sides are closed; never rejects. */
  readonly closed: Promise<void>;
  /** Closes the WebSocket with 1001 (RFC 6455 §7.4.1) as soon as the current frame is complete. */
  goodbye(reason: string): void;
  /** Cuts both sides now. */
  cut(): void;
}

/** Everything that is open for each backend: kept connections of both transports, and tunnels. */
export class Sessions {
  readonly #pools: readonly UpstreamPool[];
  readonly #tunnels = new Map<string, Set<OpenTunnel>>();
  /** Whether the proxy is about to stop: client connections end with their response. */
  draining = false;

  constructor(pools: readonly UpstreamPool[]) {
    this.#pools = pools;
  }

  /** Number of open tunnels. */
  get tunnels(): number {
    let size = 0;
    for (const tunnels of this.#tunnels.values()) size += tunnels.size;
    return size;
  }

  /** Owns a tunnel until both of its sides are closed. */
  add(backendId: string, tunnel: OpenTunnel): void {
    const tunnels = this.#tunnels.get(backendId) ?? new Set();
    this.#tunnels.set(backendId, tunnels.add(tunnel));
    void tunnel.closed.then(() => {
      tunnels.delete(tunnel);
      if (tunnels.size === 0 && this.#tunnels.get(backendId) === tunnels) this.#tunnels.delete(backendId);
    });
    if (this.draining) tunnel.goodbye(GOING_AWAY);
  }

  /** An idle shutdown is being settled: no connection may outlast its request. */
  rest(backendId: string): void {
    for (const pool of this.#pools) pool.rest(backendId);
  }

  /** The backend is ending: WebSockets get 1001, idle connections close. */
  goodbye(backendId: string): void {
    for (const tunnel of this.#tunnels.get(backendId) ?? []) tunnel.goodbye('the session has ended');
    for (const pool of this.#pools) pool.closeIdle(backendId);
  }

  /** The backend has ended. */
  cut(backendId: string): void {
    for (const tunnel of this.#tunnels.get(backendId) ?? []) tunnel.cut();
    for (const pool of this.#pools) pool.cut(backendId);
  }

  /** The route is unknown from now on. */
  forget(backendId: string): void {
    for (const pool of this.#pools) pool.forget(backendId);
  }

  /** The proxy is about to stop: every WebSocket gets 1001, those that open later too. */
  drain(): void {
    this.draining = true;
    for (const tunnels of this.#tunnels.values()) for (const tunnel of tunnels) tunnel.goodbye(GOING_AWAY);
  }

  /** Cuts what is left. */
  close(): void {
    for (const tunnels of this.#tunnels.values()) for (const tunnel of tunnels) tunnel.cut();
    for (const pool of this.#pools) pool.close();
  }
}

const GOING_AWAY = 'going away';
