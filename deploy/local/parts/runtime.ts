/** The runtime of backends: a Docker Engine if one answers or can be started, or plain processes with a warning. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../../images/build.ts';
import { installProgram } from '../../images/program.ts';
import type { Place } from '../claim/place.ts';
import type { Progress } from '../output/progress.ts';
import type { Constellation } from '../settings/services.ts';
import { findDocker } from './docker.ts';

export type Runtime = Constellation['runtime'];

export interface RuntimeSetting {
  place: Place;
  env: Readonly<Record<string, string | undefined>>;
  progress: Progress;
  /** Starts a dockerd of our own. Returns its socket. */
  startDocker: () => Promise<string>;
  find?: typeof findDocker;
  install?: (names: string[]) => Promise<void>;
}

/** SPAWNER_AGENT_RUNTIME decides if it is `docker` or `process`. */
export async function provideRuntime(setting: RuntimeSetting): Promise<Runtime> {
  const { place, env, progress, startDocker, find = findDocker, install = installSystem } = setting;
  const wanted = env.SPAWNER_AGENT_RUNTIME;
  const programs: Runtime = { kind: 'process', programs: env.SPAWNER_AGENT_PROGRAMS_DIR || place.programs };
  if (wanted === 'process') return programs;
  const found = await find(env);
  if (found) {
    progress.say(`✓ Docker answers at ${found}`);
    return { kind: 'docker', socket: found };
  }
  try {
    await install(['dockerd']);
    if (process.getuid?.() !== 0) throw new Error('Docker is installed but does not run. Start it, as root.');
    return { kind: 'docker', socket: await startDocker() };
  } catch (cause) {
    if (wanted === 'docker' || (cause as Error).name === 'AbortError')
      throw new Error('Docker is unavailable', { cause });
    progress.warn(
      [
        'Docker is unavailable here:',
        ...(cause as Error).message.split('\n').map((line) => `  ${line}`),
        'Backends run as plain processes of this machine instead: no isolation, no images, no limits.',
      ].join('\n'),
    );
    return programs;
  }
}

/** Provides the demo. Returns the image name to spawn it by. */
export async function provideDemo(runtime: Runtime): Promise<string> {
  if (runtime.kind === 'docker') {
    const { reference } = await buildImage({ name: 'demo', socketPath: runtime.socket });
    return reference;
  }
  mkdirSync(runtime.programs, { recursive: true, mode: 0o700 });
  installProgram({ name: 'demo', directory: runtime.programs });
  return 'spawner/demo:latest';
}

async function installSystem(names: string[]): Promise<void> {
  // It has no declarations: it is plain JavaScript, which must run before anything is installed.
  const installer = (await import(join(import.meta.dirname, '../install.mjs'))) as {
    installSystem(names: string[]): void;
  };
  installer.installSystem(names);
}
