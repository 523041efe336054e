import { createServer, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** The label of the holders of sandboxes, whose image has to be imported first. */
const SANDBOX = 'dev.spawner.sandbox';
/** The time of an event that has not happened. */
const NEVER = '0001-01-01T00:00:00Z';
const MISSING = { status: 404, body: { message: 'no such container' } };

/**
 * The part of a Docker Engine that starts containers on one network, 10.9.0.0/28, and lets one join the network of another.
 * Other containers may have some of the addresses.
 */
export class StubEngine {
  readonly network: string;
  readonly strangers = new Set<string>();
  readonly addresses = new Map<string, string>();
  readonly labels = new Map<string, Record<string, string>>();
  readonly states = new Map<string, 'created' | 'running' | 'exited' | 'removing'>();
  /** The ports that containers publish, each as the number that the engine has chosen. */
  readonly ports = new Map<string, { IP: string; PrivatePort: number; PublicPort: number }>();
  /** The holder that each container has joined. */
  readonly joined = new Map<string, string>();
  hasHolderImage = false;
  /** The stop signal that the image of every container names. */
  stopSignal: string | undefined;
  starts = 0;
  /** Whether it dies, before or after it has carried out a request. */
  dies: (line: string, when: 'before' | 'after') => boolean = () => false;
  /** Called with each removal before it is carried out. */
  beforeRemoval: () => unknown = () => {};
  /** The answer to a request for log lines. It never ends. */
  logs: Buffer | undefined;
  readonly asked: string[] = [];
  /** The last part of each container's id. Its first part is its name. */
  readonly #ids = new Map<string, string>();
  #creations = 0;
  readonly #server: Server;

  constructor(socketPath: string, network: string) {
    this.network = network;
    this.#server = createServer(async (request, response) => {
      this.asked.push(request.url ?? '');
      if (this.logs && request.url?.includes('/logs')) return this.#tell(response, this.logs);
      const line = `${request.method} ${request.url}`;
      if (this.dies(line, 'before')) return response.destroy();
      const { status, body } = this.#answer(line, await text(request));
      if (this.dies(line, 'after')) return response.destroy();
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
    const [, id = '', run] = /\/containers\/spawner-([\w-]+)(?:\.(\d+))?/.exec(line) ?? [];
    if (line.startsWith('GET /networks/'))
      return { status: 200, body: { IPAM: { Config: [{ Subnet: '10.9.0.0/28' }] } } };
    if (line.startsWith('GET /containers/json')) return { status: 200, body: this.#list() };
    if (line === 'GET /version') return { status: 200, body: { Arch: 'amd64' } };
    if (line.startsWith('POST /images/create')) {
      this.hasHolderImage = true;
      return { status: 200, body: {} };
    }
    if (line.startsWith('POST /containers/create')) {
      const { NetworkingConfig, Labels, HostConfig } = JSON.parse(sent);
      const name = new URLSearchParams(line.split('?')[1]).get('name') ?? '';
      const created = name.replace('spawner-', '');
      if (this.states.has(created)) return { status: 409, body: { message: 'the name is in use' } };
      if (Labels[SANDBOX] && !this.hasHolderImage)
        return { status: 404, body: { message: 'No such image: spawner/holder:1' } };
      const address = NetworkingConfig?.EndpointsConfig[this.network].IPAMConfig.IPv4Address;
      if (address) this.addresses.set(created, address);
      else this.joined.set(created, HostConfig.NetworkMode.replace('container:', ''));
      this.labels.set(created, Labels);
      for (const [port, [{ HostIp }]] of Object.entries<[{ HostIp: string }]>(HostConfig.PortBindings ?? {}))
        this.ports.set(created, {
          IP: HostIp,
          PrivatePort: Number.parseInt(port, 10),
          PublicPort: 32_768 + this.#creations,
        });
      this.states.set(created, 'created');
      this.#ids.set(created, String(++this.#creations));
      return { status: 201, body: { Id: `${name}.${this.#creations}` } };
    }
    if (run !== undefined && run !== this.#ids.get(id)) return MISSING;
    if (line.endsWith('/start')) return this.start(id);
    if (line.endsWith('/json')) return this.#inspect(id);
    if (line.startsWith('DELETE')) return this.#remove(id, line.includes('force=true'));
    return { status: 204, body: '' };
  }

  start(id: string): { status: number; body: unknown } {
    if (this.strangers.has(this.addresses.get(id) ?? ''))
      return { status: 403, body: { message: 'Address already in use' } };
    if (this.states.get(id) === 'running') return { status: 304, body: '' };
    const joined = this.joined.get(id);
    if (joined && !this.holdersRunning().includes(joined))
      return { status: 409, body: { message: `cannot join network of a non running container: ${joined}` } };
    this.states.set(id, 'running');
    this.starts++;
    return { status: 204, body: '' };
  }

  #inspect(id: string): { status: number; body: unknown } {
    const Status = this.states.get(id);
    if (!Status) return MISSING;
    const StartedAt = Status === 'created' || Status === 'removing' ? NEVER : '2026-12-01T00:00:00Z';
    const Running = Status === 'running';
    const State = {
      Status,
      Running,
      StartedAt,
      ExitCode: Running || StartedAt === NEVER ? 0 : 3,
      OOMKilled: false,
    };
    const { HostConfig, NetworkSettings } = this.#listed(id);
    const Config = { Labels: this.labels.get(id), StopSignal: this.stopSignal };
    const port = this.ports.get(id);
    const HostPort = String(port?.PublicPort);
    const Ports = port ? { [`${port.PrivatePort}/tcp`]: [{ HostIp: port.IP, HostPort }] } : {};
    return {
      status: 200,
      body: { State, Config, HostConfig, NetworkSettings: { Ports, ...NetworkSettings } },
    };
  }

  holdersRunning(): string[] {
    return this.#list()
      .filter(({ State, Labels }) => State === 'running' && Labels?.[SANDBOX])
      .map(({ Id }) => Id);
  }

  /** The holder's program has ended. */
  kill(holder: string): void {
    this.states.set(holder.replace(/^spawner-|\.\d+$/g, ''), 'exited');
  }

  #list() {
    return [...this.states.keys()].map((id) => this.#listed(id));
  }

  #listed(id: string) {
    const [State, joined] = [this.states.get(id), this.joined.get(id)];
    const IPv4Address = this.addresses.get(id);
    const IPAddress = State === 'exited' ? '' : IPv4Address;
    const Networks = joined ? {} : { [this.network]: { IPAddress, IPAMConfig: { IPv4Address } } };
    return {
      Id: `spawner-${id}.${this.#ids.get(id)}`,
      State,
      Labels: this.labels.get(id),
      Ports: this.ports.has(id) ? [this.ports.get(id)] : [],
      HostConfig: { NetworkMode: joined ? `container:${joined}` : this.network },
      NetworkSettings: { Networks },
    };
  }

  #remove(id: string, force: boolean): { status: number; body: unknown } {
    this.beforeRemoval();
    if (this.states.get(id) === 'running' && !force)
      return { status: 409, body: { message: 'the container is running' } };
    this.addresses.delete(id);
    this.joined.delete(id);
    this.ports.delete(id);
    this.states.delete(id);
    return { status: 204, body: '' };
  }
}
