import type { Agent, IncomingMessage } from 'node:http';
import { keptMsOf } from '../../edge/response-rules.ts';
import type { UpstreamPool } from '../../routing/sessions.ts';
import { BOUNDS, TCP_KEEP_ALIVE, TIMEOUTS } from '../../timeouts.ts';
import { AnswerAgent } from './answer-agent.ts';

/**
 * Kept connections, in an agent of its own for each backend: none can carry another backend's request, and a backend's end
 * closes its connections.
 */
export class NodeUpstreamPool implements UpstreamPool {
  /** Keeps no connection. */
  readonly once: Agent;
  readonly #agents = new Map<string, Agent>();
  readonly #maxAnswerHeaderBytes: number;

  constructor(maxAnswerHeaderBytes: number) {
    this.#maxAnswerHeaderBytes = maxAnswerHeaderBytes;
    this.once = new AnswerAgent(maxAnswerHeaderBytes);
  }

  agentOf(backendId: string): Agent {
    const agent = this.#agents.get(backendId) ?? newAgent(this.#maxAnswerHeaderBytes);
    agent.maxFreeSockets = BOUNDS.keptUpstreams;
    this.#agents.set(backendId, agent);
    return agent;
  }

  closeIdle(backendId: string): void {
    for (const sockets of Object.values(this.#agents.get(backendId)?.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  }

  rest(backendId: string): void {
    const agent = this.#agents.get(backendId);
    if (agent) agent.maxFreeSockets = 0;
    this.closeIdle(backendId);
  }

  forget(backendId: string): void {
    this.closeIdle(backendId);
    this.#agents.delete(backendId);
  }

  cut(backendId: string): void {
    this.#agents.get(backendId)?.destroy();
    this.#agents.delete(backendId);
  }

  close(): void {
    for (const backendId of [...this.#agents.keys()]) this.cut(backendId);
  }
}

function newAgent(maxAnswerHeaderBytes: number): Agent {
  // Node's agent sets keep-alive on each connection that it keeps.
  const keepAliveMsecs = TCP_KEEP_ALIVE.idle.base;
  return new AnswerAgent(maxAnswerHeaderBytes, {
    ...{ keepAlive: true, keepAliveMsecs },
    ...{ timeout: TIMEOUTS.upstreamIdle, scheduling: 'lifo' },
  });
}

/**
 * Makes Node's agent obey the response's `Keep-Alive`, of which it reads one form, and only after the response is over. To be
 * called before the headers are replaced; it takes effect after they were copied to the client.
 */
export function keepFor(response: Pick<IncomingMessage, 'headers'>): void {
  const ms = keptMsOf(String(response.headers['keep-alive']));
  if (ms === Number.POSITIVE_INFINITY) return;
  process.nextTick(() => {
    response.headers['keep-alive'] = `timeout=${ms / 1_000}`;
  });
}
