import type { Log } from '@spawner/service';
import type { AgentConfig } from '../config.ts';
import { holdsBackends } from '../state/journal.ts';
import type { StateFiles } from '../state/state-dir.ts';
import { dockerAnswers } from './docker/engine.ts';
import { type DockerOptions, openDocker } from './docker/open-docker.ts';
import { ProcessRuntime } from './process/process-runtime.ts';
import type { Runtime } from './runtime.ts';

type Kind = Runtime['kind'];
type Wanted = Pick<AgentConfig, 'runtime' | 'docker' | 'programsDir'>;

const FILE = 'runtime';

/**
 * Chooses the runtime and logs why. `auto` is `docker` if an engine answers now. While the journal has backends, it is the
 * runtime that runs them, because an engine that is briefly away has lost nothing and another runtime knows none of them.
 */
export async function chooseRuntime(config: Wanted, state: StateFiles, log: Log): Promise<Kind> {
  const stored = state.read(FILE)?.trim();
  const kind = config.runtime === 'auto' ? await automatic(config, state, stored, log) : config.runtime;
  if (kind !== stored) state.write(FILE, `${kind}\n`);
  return kind;
}

async function automatic(
  config: Wanted,
  state: StateFiles,
  stored: string | undefined,
  log: Log,
): Promise<Kind> {
  const { docker, programsDir: programs } = config;
  const socket = docker.socketPath;
  if ((stored === 'docker' || stored === 'process') && holdsBackends(state)) {
    log.info({ runtime: stored }, `RUNTIME ${stored}: it runs the backends of this drone`);
    return stored;
  }
  if (await dockerAnswers(socket)) {
    log.info({ runtime: 'docker', socket }, 'RUNTIME docker: an engine answers on the socket');
    return 'docker';
  }
  log.warn(
    { runtime: 'process', socket, programs },
    'RUNTIME process: no Docker Engine answers on the socket; backends are plain processes without isolation or limits',
  );
  return 'process';
}

/** Rejects if Docker is wanted and does not answer. */
export async function openRuntime(
  kind: Kind,
  config: AgentConfig,
  { droneId, state, clock, log }: Pick<DockerOptions, 'droneId' | 'state' | 'clock' | 'log'>,
): Promise<Runtime> {
  if (kind === 'process') return new ProcessRuntime({ programs: config.programsDir, state, clock });
  const { cluster, sandboxes } = config;
  const { resting, cpuPercent } = sandboxes;
  const settings = { ...config.docker, sandboxes: resting, sandboxesCpuPercent: cpuPercent };
  return openDocker({ ...settings, cluster, droneId, state, clock, log });
}
