/** A session that is in use while others start: its requests through the proxy, at a fixed rate whether answers come or not. */
import { Agent, get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster } from '../../cluster/cluster.ts';
import { percentile } from '../statistics.ts';

const EVERY_MS = 20;
const ANSWER_MS = 10_000;

export class RunningSession {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #cluster: Cluster;
  readonly #id: string;

  constructor(cluster: Cluster, id: string) {
    this.#cluster = cluster;
    this.#id = id;
  }

  /** The result of `work`, and the 99th percentile in milliseconds of the requests that were sent meanwhile. */
  async during<T>(work: Promise<T>): Promise<{ result: T; p99Ms: number }> {
    const requests: Promise<number>[] = [];
    const over = new AbortController();
    const finished = work.finally(() => over.abort());
    const asking = (async () => {
      for (let due = performance.now(); !over.signal.aborted; due += EVERY_MS) {
        await wait(Math.max(0, due - performance.now()));
        requests.push(this.#ask(due));
      }
    })();
    const result = await finished;
    await asking;
    return { result, p99Ms: percentile(await Promise.all(requests), 0.99) };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Milliseconds from the instant at which the request was due. Rejects unless it is answered 200. */
  #ask(due: number): Promise<number> {
    const { proxy, domain } = this.#cluster;
    return new Promise((resolve, reject) => {
      const headers = { host: `${this.#id}.${domain}` };
      const options = {
        host: '127.0.0.1',
        port: proxy.port,
        agent: this.#agent,
        headers,
        timeout: ANSWER_MS,
      };
      const asked = get(options, (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - due);
          else reject(new Error(`a running session was answered ${answer.statusCode}`));
        });
      });
      asked.once('timeout', () => asked.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      asked.once('error', reject);
    });
  }
}
