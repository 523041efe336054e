import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { AgentConfig } from './config.ts';
import { dockerAnswers, openDocker } from './docker.ts';
import { ProcessRuntime } from './process.ts';
import type { Runtime } from './runtime.ts';
import type { StateDir } from './state-dir.ts';

/** Where a runtime of this drone keeps and says things. */
export interface RuntimeHome {
  readonly droneId: string;
  readonly state: StateDir;
  readonly clock: Clock;
  readonly log: Log;
}

/** The kind of runtime to take, and why; `auto` is Docker where an engine answers now. */
export async function chooseRuntime(config: AgentConfig, log: Log): Promise<Runtime['kind']> {
  if (config.runtime !== 'auto') return config.runtime;
  const socket = config.docker.socketPath;
  if (await dockerAnswers(socket)) {
    log.info({ runtime: 'docker', socket }, 'RUNTIME docker: an engine answers on the socket');
    return 'docker';
  }
  log.warn(
    { runtime: 'process', socket, programs: config.programsDir },
    'RUNTIME process: no Docker Engine answers on the socket; backends are plain processes without isolation or limits',
  );
  return 'process';
}

/** Rejects while Docker is wanted and away. */
export async function openRuntime(
  kind: Runtime['kind'],
  config: AgentConfig,
  { droneId, state, clock, log }: RuntimeHome,
): Promise<Runtime> {
  if (kind === 'process') return new ProcessRuntime({ programs: config.programsDir, state, clock });
  return openDocker({ ...config.docker, cluster: config.cluster, droneId, state, clock, log });
}
