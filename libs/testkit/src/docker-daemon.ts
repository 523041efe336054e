/**
 * A dockerd of the tests' own, with its own data, socket and bridge. It neither sees nor disturbs another one on the same
 * machine, and leaves no container, device, mount or file behind. Needs root.
 */

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeBridge } from './bridge-network.ts';
import { dockerAnswers, emptyDocker } from './docker-api.ts';
import { eventually } from './eventually.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { PATIENCE } from './patience.ts';
import { type Program, startProgram } from './program.ts';
import { tempDir } from './temp-dir.ts';

export interface DockerDaemon extends AsyncDisposable {
  socketPath: string;
  output(): string;
  pid(): number;
  /** Ends dockerd alone (SIGTERM) and starts it again over the same data; containers live on with `liveRestore`. */
  restart(): Promise<void>;
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
  const { liveRestore = false, namespace } = options;
  const prefix = namespace?.prefix ?? [];
  const dir = await tempDir('docker');
  const bridge = await makeBridge(prefix).catch(async (cause) => {
    await dir.stop();
    throw new Error('could not make a bridge for a Docker Engine', { cause });
  });
  const socketPath = join(dir.path, 'docker.sock');
  const start = () => startDaemon(dir.path, socketPath, bridge.name, liveRestore, prefix);
  const clear = async () => {
    await unmountBelow(dir.path);
    await bridge.stop();
    await dir.stop();
  };
  let program: Program;
  try {
    program = await start();
  } catch (error) {
    await clear();
    throw error;
  }
  const end = async () => {
    await emptyDocker(socketPath).catch((error: unknown) => console.error('Docker was not emptied:', error));
    await program.stop();
    await clear();
  };
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending ??= end();
    return ending;
  };
  return {
    socketPath,
    output: () => program.output(),
    pid: () => program.pid,
    restart: async () => {
      await program.stop();
      program = await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startDaemon(
  dir: string,
  socketPath: string,
  bridge: string,
  liveRestore: boolean,
  prefix: readonly string[],
): Promise<Program> {
  const config = join(dir, 'daemon.json');
  await writeFile(config, '{}');
  const [command = '', ...before] = [...prefix, 'dockerd'];
  const program = await startProgram({
    command,
    args: [
      ...before,
      ...[
        '--host',
        `unix://${socketPath}`,
        '--data-root',
        join(dir, 'data'),
        '--exec-root',
        join(dir, 'exec'),
      ],
      ...['--pidfile', join(dir, 'docker.pid'), '--config-file', config, '--bridge', bridge],
      ...[`--live-restore=${liveRestore}`, '--log-level', 'warn', '--shutdown-timeout', '5'],
    ],
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    stopTimeoutMs: 30_000,
  });
  let ended = false;
  program.exited.then(() => {
    ended = true;
  });
  try {
    await eventually(async () => ended || (await dockerAnswers(socketPath)), {
      timeoutMs: PATIENCE.startMs,
      everyMs: 50,
    });
    if (ended) throw new Error('dockerd ended at once');
  } catch (cause) {
    await program.stop();
    throw new Error(`dockerd did not start; its last output:\n${program.lines.slice(-20).join('\n')}`, {
      cause,
    });
  }
  return program;
}

async function unmountBelow(dir: string) {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
  for (const mount of mounts.reverse()) await promisify(execFile)('umount', ['--lazy', mount]);
}
