/** One service of a test's cluster: its real program on ports that stay its own over restarts. */
import { fileURLToPath } from 'node:url';
import { complain, eventually, PATIENCE, type Program, request, startProgram } from '@spawner/testkit';
import type { PortVariable } from '../../deploy/local/settings/ports.ts';
import { type ServiceName, serviceEntry, type Variables } from '../../deploy/local/settings/services.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type ServicePorts = Partial<Record<PortVariable, number>>;

export interface ServiceHandle {
  /** Such as `proxy-1`. */
  readonly name: string;
  readonly service: ServiceName;
  readonly ports: ServicePorts;
  /** The one that others call: HTTP of a gateway and a proxy, DNS of dns, gRPC of the others. */
  readonly port: number;
  readonly adminPort: number;
  readonly pid: number;
  /** The latest output of its present and its earlier processes. */
  log(): string;
  start(): Promise<void>;
  /** SIGTERM; resolves when it has gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it has gone. */
  kill(): Promise<void>;
  /** `stop`, `start`, `ready`. */
  restart(): Promise<void>;
  /** Resolves when /readyz says so; rejects with what it waits for. */
  ready(): Promise<void>;
  /** Asks the admin port: `/metrics`, `/readyz`. */
  admin(path: string): Promise<string>;
}

export interface ServiceProcessOptions {
  name: string;
  /** Where its ports are; default: the loopback address. */
  address?: string;
  /** The words before its command, such as those that enter another network. */
  prefix?: readonly string[];
  service: ServiceName;
  ports: ServicePorts;
  env: Variables;
}

export async function startService(options: ServiceProcessOptions): Promise<ServiceHandle> {
  const { name, service, env, address = '127.0.0.1', prefix = [] } = options;
  const [command = '', ...args] = [...prefix, process.execPath, serviceEntry(ROOT, service)];
  const ports = portsIn(env, options.ports);
  const earlier: string[] = [];
  let program: Program | undefined;
  /** The process that a test has ended. */
  let asked: Program | undefined;

  const start = async () => {
    if (program) earlier.push(program.output());
    program = await startProgram({
      command,
      args,
      env,
      cwd: ROOT,
      stopTimeoutMs: 15_000,
    });
    const own = program;
    own.exited.then(({ code, signal }) => {
      if (asked !== own) complain(`${name} ended by itself with ${code ?? signal}`);
    });
  };
  const ask = (path: string) => request({ address, port: adminPort, path, timeoutMs: 5_000 });
  const adminPort = portOf(ports, `SPAWNER_${service.toUpperCase()}_ADMIN_PORT`);
  const handle: ServiceHandle = {
    name,
    service,
    ports,
    port: portOf(ports, mainPort(service)),
    adminPort,
    get pid() {
      return program?.pid ?? 0;
    },
    log: () => [...earlier, program?.output() ?? ''].join('\n'),
    start,
    stop: async () => {
      asked = program;
      await program?.stop();
    },
    kill: async () => {
      asked = program;
      await program?.kill();
    },
    restart: async () => {
      await handle.stop();
      await start();
      await handle.ready();
    },
    ready: () =>
      eventually(
        async () => {
          const { status, body } = await ask('/readyz');
          if (status !== 200) throw new Error(`${name} is not ready: ${body.trim()}`);
        },
        { timeoutMs: PATIENCE.startMs },
      ),
    admin: async (path) => (await ask(path)).body,
  };
  await start();
  return handle;
}

/** A test may have moved a port by its variable. */
function portsIn(env: Variables, given: ServicePorts): ServicePorts {
  const entries = Object.entries(given).map(([variable, port]) => [variable, Number(env[variable] ?? port)]);
  return Object.fromEntries(entries) as ServicePorts;
}

function mainPort(service: ServiceName): string {
  const hasHttp = service === 'gateway' || service === 'proxy';
  return `SPAWNER_${service.toUpperCase()}_${hasHttp ? 'HTTP_PORT' : 'PORT'}`;
}

function portOf(ports: ServicePorts, variable: string): number {
  const found = Object.entries(ports).find(([name]) => name === variable)?.[1];
  if (found === undefined) throw new Error(`no port was given by ${variable}`);
  return found;
}
