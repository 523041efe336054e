/**
 * The peer of the spawn benchmark: the Docker Engine API alone, doing what any launcher of containers
 * must do - create, start, ask until the first byte comes.
 */
import { Agent, request } from 'node:http';
import { request as ask } from '@spawner/testkit';

const PROBE_EVERY_MS = 2;

export class BareDocker {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #socketPath: string;
  readonly #image: string;

  constructor(socketPath: string, image: string) {
    this.#socketPath = socketPath;
    this.#image = image;
  }

  /** Milliseconds from the create call to the first byte of the program's answer; the container is removed after. */
  async start(): Promise<number> {
    const begin = performance.now();
    const body = { Image: this.#image, Env: ['PORT=8080'], HostConfig: { Init: true } };
    const { Id } = (await this.#call('POST', '/containers/create', body)) as { Id: string };
    try {
      await this.#call('POST', `/containers/${Id}/start`);
      const { NetworkSettings } = (await this.#call('GET', `/containers/${Id}/json`)) as {
        NetworkSettings: { Networks: { bridge: { IPAddress: string } } };
      };
      await firstByte(NetworkSettings.Networks.bridge.IPAddress);
      return performance.now() - begin;
    } finally {
      await this.#call('DELETE', `/containers/${Id}?force=true&v=true`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #call(method: string, path: string, body?: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const call = request(
        { socketPath: this.#socketPath, agent: this.#agent, method, path, headers },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          answer.once('end', () => {
            if ((answer.statusCode ?? 500) < 400) resolve(text === '' ? undefined : JSON.parse(text));
            else reject(new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`));
          });
        },
      );
      call.once('error', reject);
      call.end(body && JSON.stringify(body));
    });
  }
}

async function firstByte(address: string): Promise<void> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; ) {
    try {
      await ask({ address, port: 8080, timeoutMs: 1_000 });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    }
  }
  throw new Error('the program did not answer within 30 s');
}
