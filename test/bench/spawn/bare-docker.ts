/**
 * The peer of the spawn benchmark: the Docker Engine API alone, doing what any launcher of containers must do. It creates, starts,
 * and asks until the first byte arrives. It does so on the engine's default bridge, and as an agent does it: on a network of its
 * own with an address that it chooses, which takes Docker longer.
 */
import { Agent, request } from 'node:http';
import { request as ask } from '@spawner/testkit';

const PROBE_EVERY_MS = 2;

const SUBNET = '10.239.0';

export interface BareContainer {
  /** From the create call to the first byte of the program's answer. */
  readonly firstByteMs: number;
  remove(): Promise<void>;
}

export class BareDocker {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #socketPath: string;
  readonly #image: string;
  readonly #network = `bench-${process.pid}`;
  #lastByte = 9;

  constructor(socketPath: string, image: string) {
    this.#socketPath = socketPath;
    this.#image = image;
  }

  async open(): Promise<void> {
    const IPAM = { Config: [{ Subnet: `${SUBNET}.0/24` }] };
    await this.#call('POST', '/networks/create', { Name: this.#network, Driver: 'bridge', IPAM });
  }

  /** Milliseconds of a start on the default bridge. */
  startPlain(): Promise<number> {
    return onceOnly(this.runPlain());
  }

  /** The same on a network of its own, with the next address round it. */
  startAddressed(): Promise<number> {
    this.#lastByte = this.#lastByte === 250 ? 10 : this.#lastByte + 1;
    const IPAMConfig = { IPv4Address: `${SUBNET}.${this.#lastByte}` };
    const HostConfig = { Init: true, NetworkMode: this.#network };
    const NetworkingConfig = { EndpointsConfig: { [this.#network]: { IPAMConfig } } };
    return onceOnly(this.#run({ HostConfig, NetworkingConfig }, this.#network));
  }

  /** Starts a container on the default bridge and leaves it running. */
  runPlain(): Promise<BareContainer> {
    return this.#run({ HostConfig: { Init: true } }, 'bridge');
  }

  async #run(how: object, network: string): Promise<BareContainer> {
    const begin = performance.now();
    const body = { Image: this.#image, Env: ['PORT=8080'], ...how };
    const { Id } = (await this.#call('POST', '/containers/create', body)) as { Id: string };
    const remove = async () => void (await this.#call('DELETE', `/containers/${Id}?force=true&v=true`));
    try {
      await this.#call('POST', `/containers/${Id}/start`);
      const { NetworkSettings } = (await this.#call('GET', `/containers/${Id}/json`)) as {
        NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
      };
      await firstByte(NetworkSettings.Networks[network]!.IPAddress);
      return { firstByteMs: performance.now() - begin, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#call('DELETE', `/networks/${this.#network}`);
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

/** The time of a start whose container is removed at once. */
async function onceOnly(start: Promise<BareContainer>): Promise<number> {
  const { firstByteMs, remove } = await start;
  await remove();
  return firstByteMs;
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
