/**
 * A dockerd of the tests' own, with its own data, socket and bridge. It neither sees nor disturbs another one on the same
 * machine, and leaves no container, device, mount or file behind. Needs root.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeBridge } from './bridge-network.ts';
import { pathWithSbin, run } from './command.ts';
import { endShims } from './container-shims.ts';
import { askDocker, emptyDocker } from './docker-api.ts';
import { eventually } from './eventually.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { type ServerRecipe, startServerAt } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

export interface DockerDaemon extends AsyncDisposable {
  socketPath: string;
  output(): string;
  pid(): number;
  /** Ends dockerd alone (SIGTERM) and starts it again over the same data; containers live on with `liveRestore`. */
  restart(): Promise<void>;
  /** Ends dockerd alone, at once (SIGKILL). Its containers live on until the next one has started. */
  kill(): Promise<void>;
  /** Starts dockerd over the same data after `kill`. */
  start(): Promise<void>;
  /** From now on dockerd lets its containers live on while it is away, or not. */
  setLiveRestore(on: boolean): Promise<void>;
  /** Removes all containers and networks, ends dockerd and deletes its data. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  /** Default: false. */
  liveRestore?: boolean;
  /** Where it runs; on this machine's own network by default. */
  namespace?: NetworkNamespace;
}

/** Resolves when the new engine answers. */
export async function startDockerDaemon(options: DaemonOptions = {}): Promise<DockerDaemon> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('docker'));
  const bridge = stack.use(
    await makeBridge(options.namespace?.prefix).catch((cause) => {
      throw new Error('could not make a bridge for a Docker Engine', { cause });
    }),
  );
  stack.defer(() => unmountBelow(dir.path));
  stack.defer(() => endShims(`${dir.path}/`));
  const socketPath = join(dir.path, 'docker.sock');
  const server = stack.use(await startServerAt(0, await recipe(dir.path, socketPath, bridge.name, options)));
  stack.defer(() =>
    emptyDocker(socketPath).catch((error: unknown) => console.error('Docker was not emptied:', error)),
  );
  const all = stack.move();
  const stop = () => all.disposeAsync();
  const { output, pid, restart, start } = server;
  const kill = async () => {
    await server.kill();
    // Its containerd dies with it. As long as process 1 has not reaped that, the next dockerd would take it for alive.
    await rm(join(dir.path, 'exec/containerd/containerd.pid'), { force: true });
  };
  const setLiveRestore = async (on: boolean) => {
    await writeFile(configIn(dir.path), configOf(on));
    process.kill(pid(), 'SIGHUP');
    await eventually(async () => {
      const info = (await askDocker(socketPath, 'GET', '/info')) as { LiveRestoreEnabled: boolean };
      return info.LiveRestoreEnabled === on;
    });
  };
  const own = { socketPath, output, pid, restart, kill, start, setLiveRestore, stop };
  return { ...own, [Symbol.asyncDispose]: stop };
}

const configIn = (dir: string) => join(dir, 'daemon.json');
/** Options of the command line cannot be changed while dockerd runs. */
const configOf = (liveRestore: boolean) => JSON.stringify({ 'live-restore': liveRestore });

async function recipe(
  dir: string,
  socketPath: string,
  bridge: string,
  { liveRestore = false, namespace }: DaemonOptions,
): Promise<ServerRecipe> {
  const config = configIn(dir);
  await writeFile(config, configOf(liveRestore));
  const [command = '', ...before] = [...(namespace?.prefix ?? []), 'dockerd'];
  const options = {
    host: `unix://${socketPath}`,
    'data-root': join(dir, 'data'),
    'exec-root': join(dir, 'exec'),
    pidfile: join(dir, 'docker.pid'),
    'config-file': config,
    bridge,
    'log-level': 'warn',
    'shutdown-timeout': 5,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return {
    command,
    args: () => [...before, ...args],
    env: { PATH: pathWithSbin() },
    answers: () => askDocker(socketPath, 'GET', '/_ping'),
    // Each dockerd looks for the chains of firewall rules that all of them share, and then creates those that it misses.
    collision: /iptables: Chain already exists/,
  };
}

async function unmountBelow(dir: string) {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
  for (const mount of mounts.reverse()) await run('umount', '--lazy', mount);
}
