import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Clock, DEADLINES, systemClock } from '@spawner/domain';
import { BackendSpec } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { type TempDir, tempDir } from '@spawner/testkit';
import { StateDir } from '../../state/state-dir.ts';
import type { Runtime } from '../runtime.ts';
import { openDocker } from './docker-runtime.ts';

const NETWORK = 'backends';
const MINUTE = 60_000;

/** The part of an engine that starts containers. Other containers may have some of the addresses. */
class FakeEngine {
  readonly strangers = new Set<string>();
  readonly addresses = new Map<string, string>();
  /** The answer to a request for log lines. It never ends. */
  logs: Buffer | undefined;
  readonly asked: string[] = [];
  readonly #server: Server;

  constructor(socketPath: string) {
    this.#server = createServer(async (request, response) => {
      this.asked.push(request.url ?? '');
      if (this.logs && request.url?.includes('/logs')) return this.#tell(response, this.logs);
      const { status, body } = this.#answer(`${request.method} ${request.url}`, await text(request));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(socketPath);
  }
  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #tell(response: ServerResponse, frames: Buffer): void {
    response.writeHead(200).write(frames);
  }

  #answer(line: string, sent: string): { status: number; body: unknown } {
    const [, id = ''] = /\/containers\/spawner-(\w+)/.exec(line) ?? [];
    if (line.startsWith('GET /networks/'))
      return { status: 200, body: { IPAM: { Config: [{ Subnet: '10.9.0.0/28' }] } } };
    if (line.startsWith('POST /containers/create')) {
      const { NetworkingConfig } = JSON.parse(sent);
      const name = new URLSearchParams(line.split('?')[1]).get('name') ?? '';
      const address = NetworkingConfig.EndpointsConfig[NETWORK].IPAMConfig.IPv4Address;
      this.addresses.set(name.replace('spawner-', ''), address);
      return { status: 201, body: { Id: name } };
    }
    if (line.endsWith('/start'))
      return this.strangers.has(this.addresses.get(id) ?? '')
        ? { status: 403, body: { message: 'Address already in use' } }
        : { status: 204, body: '' };
    if (line.startsWith('DELETE')) this.addresses.delete(id);
    return { status: 204, body: '' };
  }
}

describe('the Docker runtime', () => {
  let temp: TempDir;
  let engine: FakeEngine;
  let runtime: Runtime;
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now };

  beforeEach(async () => {
    now = 0;
    temp = await tempDir('docker');
    const socketPath = join(temp.path, 'docker.sock');
    engine = new FakeEngine(socketPath);
    const home = {
      cluster: 'c',
      droneId: 'd',
      network: NETWORK,
      subnet: '',
      engineRuntime: '',
      publishAddress: '',
    };
    const state = new StateDir(join(temp.path, 'state'));
    state.write('address-cursor', '1');
    runtime = await openDocker({ ...home, socketPath, state, clock, log: createLog('test', 'silent') });
  });
  afterEach(async () => {
    engine.close();
    await temp.stop();
  });

  const started = async (id: string) => {
    await runtime.create({ id, placement: 1, spec: BackendSpec.fromPartial({ image: 'i' }) });
    return (await runtime.start(id)).local.host;
  };

  it('lets a released address rest for longer than proxies trust a route', async () => {
    const address = await started('a');
    await runtime.remove('a');
    // The range has 13 addresses, so this goes round it more than once.
    const allocated: string[] = [];
    const cycle = async (name: string) => {
      for (let index = 0; index < 12; index++) allocated.push(await started(`${name}${index}`));
      for (let index = 0; index < 12; index++) await runtime.remove(`${name}${index}`);
    };
    await cycle('b');
    expect(allocated).not.toContain(address);
    now = DEADLINES.addressRest - 1;
    await expect(started('c')).rejects.toThrow('no address is free');
    now = DEADLINES.addressRest;
    await cycle('d');
    expect(allocated).toContain(address);
    expect(DEADLINES.addressRest).toBeGreaterThan(DEADLINES.routesTrusted);
  });

  it('skips addresses that other containers have, and allocates them after a rest', async () => {
    engine.strangers.add('10.9.0.2');
    engine.strangers.add('10.9.0.3');
    expect(await started('a')).toBe('10.9.0.4');
    engine.strangers.clear();
    now = 16 * MINUTE;
    const rest = [];
    for (let index = 0; index < 12; index++) rest.push(await started(`b${index}`));
    expect(rest.slice(-2)).toEqual(['10.9.0.2', '10.9.0.3']);
  });

  it.each([true, false])('streams lines as the engine sends them (followed: %s)', async (follow) => {
    const line = Buffer.from('2024-05-06T07:08:09Z hello\n');
    engine.logs = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, line.length]), line]);
    const stop = new AbortController();
    const lines = runtime.logs('a', { follow, tailLines: 20, signal: stop.signal })[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: { text: 'hello' } });
    expect(engine.asked.at(-1)).toMatch(new RegExp(`/logs\\?.*tail=20.*follow=${follow}`));
    const next = lines.next();
    stop.abort();
    await expect(next).rejects.toThrow();
  });
});
