import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { AgentConfig } from '../config.ts';
import { holdsBackends } from '../state/journal.ts';
import type { StateDir, StateFiles } from '../state/state-dir.ts';
import { dockerAnswers, openDocker } from './docker/docker-runtime.ts';
import { ProcessRuntime } from './process/process-runtime.ts';
import type { Runtime } from './runtime.ts';

/** Where a runtime of this drone keeps and says things. */
export interface RuntimeParts {
  readonly droneId: string;
  readonly state: StateDir;
  readonly clock: Clock;
  readonly log: Log;
}

const FILE = 'runtime';

/**
 * The kind of runtime to take, and why; `auto` is Docker where an engine answers now. While the journal holds backends
 * it is the one that has them: an engine that is away for a moment has lost nothing, and another runtime knows none of them.
 */
export async function chooseRuntime(
  config: Pick<AgentConfig, 'runtime' | 'docker' | 'programsDir'>,
  state: StateFiles,
  log: Log,
): Promise<Runtime['kind']> {
  const kept = state.read(FILE)?.trim();
  const kind = config.runtime === 'auto' ? await automatic(config, state, kept, log) : config.runtime;
  if (kind !== kept) state.write(FILE, `${kind}\n`);
  return kind;
}

async function automatic(
  { docker: { socketPath: socket }, programsDir: programs }: Pick<AgentConfig, 'docker' | 'programsDir'>,
  state: StateFiles,
  kept: string | undefined,
  log: Log,
): Promise<Runtime['kind']> {
  if ((kept === 'docker' || kept === 'process') && holdsBackends(state)) {
    log.info({ runtime: kept }, `RUNTIME ${kept}: it has the backends of this drone`);
    return kept;
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

/** Rejects while Docker is wanted and away. */
export async function openRuntime(
  kind: Runtime['kind'],
  config: AgentConfig,
  { droneId, state, clock, log }: RuntimeParts,
): Promise<Runtime> {
  if (kind === 'process') return new ProcessRuntime({ programs: config.programsDir, state, clock });
  return openDocker({ ...config.docker, cluster: config.cluster, droneId, state, clock, log });
}
