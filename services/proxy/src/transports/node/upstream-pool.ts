import { Agent } from 'node:http';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';

/**
 * Kept-alive connections, a set of its own for each backend: none can carry another backend's request,
 * and a backend's end takes its connections along.
 */

export class Upstreams {
  readonly #agents = new Map<string, Agent>();

  agentOf(id: string): Agent {
    const known = this.#agents.get(id);
    if (known) {
      known.maxFreeSockets = BOUNDS.keptUpstreams;
      return known;
    }
    const agent = new Agent({
      keepAlive: true,
      keepAliveMsecs: 30_000,
      maxFreeSockets: BOUNDS.keptUpstreams,
      timeout: TIMEOUTS.upstreamIdle,
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
