/** The compose stack, brought up by `docker-compose` on an engine and on ports of the test's own. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '@spawner/testkit';
import { PORT_RULES, type Ports } from '../../deploy/local/settings/ports.ts';
import { command } from './command.ts';

export interface Stack extends AsyncDisposable {
  ports: Ports;
  /** The logs of all services together. */
  logs(): Promise<string>;
  /** Runs the command in the container of this service and resolves with its output. */
  inside(service: string, command: string[]): Promise<string>;
  /** One line a service: its name and what Docker says of its health. */
  health(): Promise<Record<string, string>>;
}

/** Builds the images and starts control plane and drone. `folder` is a checkout. */
export async function startStack(folder: string, socketPath: string): Promise<Stack> {
  const project = `test${randomBytes(4).toString('hex')}`;
  const ports = Object.fromEntries(
    await Promise.all(PORT_RULES.map(async ({ variable }) => [variable, await freePort()] as const)),
  ) as Ports;
  const env = { ...environment(project, ports, socketPath), ...(await ownPorts()) };
  const file = join(folder, 'deploy/compose/compose.yaml');
  const profiles = ['--profile', 'control-plane', '--profile', 'drone'];
  const compose = (args: string[]) =>
    command('docker-compose', ['-f', file, '-p', project, ...profiles, ...args], { env });
  const stop = async () => {
    await compose(['down', '--volumes', '--timeout', '15']);
  };
  const docker = (args: string[]) => command('docker', ['--host', `unix://${socketPath}`, ...args]);
  try {
    await compose(['build']);
    await compose(['up', '--detach']);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports,
    logs: () => compose(['logs', '--no-color', '--tail', '40']),
    inside: (service, words) => compose(['exec', '-T', service, ...words]),
    health: async () => {
      const label = `label=com.docker.compose.project=${project}`;
      const format = '{{.Label "com.docker.compose.service"}}\t{{.Status}}';
      const text = await docker(['ps', '--all', '--filter', label, '--format', format]);
      const rows = text
        .trim()
        .split('\n')
        .map((line) => line.split('\t'));
      return Object.fromEntries(
        rows.map(([name, status = '']) => [name, /\((\w+)\)/.exec(status)?.[1] ?? status]),
      );
    },
    [Symbol.asyncDispose]: stop,
  };
}

function environment(project: string, ports: Ports, socketPath: string): Record<string, string> {
  const moved = Object.entries(ports).map(([variable, port]) => [variable, String(port)]);
  return {
    ...Object.fromEntries(moved),
    DOCKER_HOST: `unix://${socketPath}`,
    DOCKER_BUILDKIT: '0',
    DOCKER_SOCKET: socketPath,
    SPAWNER_CLUSTER: project,
    SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${ports.SPAWNER_SCHEDULER_PORT}`,
    SPAWNER_PROXY_CERTIFICATES_ADDRESS: `127.0.0.1:${ports.SPAWNER_CERTIFICATES_PORT}`,
    SPAWNER_GATEWAY_URL_PORT: String(ports.SPAWNER_PROXY_HTTP_PORT),
  };
}

/** Where Redis and NATS are published. */
async function ownPorts(): Promise<Record<string, string>> {
  const [redis, nats] = [await freePort(), await freePort()];
  return {
    REDIS_PORT: String(redis),
    NATS_PORT: String(nats),
    SPAWNER_REDIS_URL: `redis://127.0.0.1:${redis}`,
    SPAWNER_NATS_URL: `nats://127.0.0.1:${nats}`,
  };
}
