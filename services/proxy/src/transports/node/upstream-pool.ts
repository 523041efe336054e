import { Agent } from 'node:http';

/**
 * Kept-alive connections, a set of its own for each backend: none can carry another backend's request,
 * and a backend's end takes its connections along.
 */
/** Fewer than what is in use at a time would have some dialled anew for nearly every request. */
const FREE_SOCKETS = 64;
/** Shorter than what most servers wait, so that a connection is seldom taken up while its other end closes it. */
const IDLE_MS = 4_000;

export class Upstreams {
  readonly #agents = new Map<string, Agent>();

  agentOf(id: string): Agent {
    const known = this.#agents.get(id);
    if (known) {
      known.maxFreeSockets = FREE_SOCKETS;
      return known;
    }
    const agent = new Agent({
      keepAlive: true,
      keepAliveMsecs: 30_000,
      maxFreeSockets: FREE_SOCKETS,
      timeout: IDLE_MS,
      scheduling: 'lifo',
    });
    this.#agents.set(id, agent);
    return agent;
  }

  /** Its connections that carry nothing now are closed. */
  closeIdle(id: string): void {
    for (const sockets of Object.values(this.#agents.get(id)?.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  }

  /** No connection is kept until the next request: those that are free close now, the others when they are. */
  rest(id: string): void {
    const agent = this.#agents.get(id);
    if (agent) agent.maxFreeSockets = 0;
    this.closeIdle(id);
  }

  /** The route is not known any more; exchanges under way go on to their end. */
  forget(id: string): void {
    this.closeIdle(id);
    this.#agents.delete(id);
  }

  /** The backend has ended: everything to it is cut. */
  cut(id: string): void {
    this.#agents.get(id)?.destroy();
    this.#agents.delete(id);
  }

  close(): void {
    for (const id of [...this.#agents.keys()]) this.cut(id);
  }
}
