import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { Addresses } from '../../network/addresses.ts';
import { hostRoutes, overlapsAny } from '../../network/host-routes.ts';
import { SandboxDemand } from '../../network/sandbox-demand.ts';
import { SandboxKeeper } from '../../network/sandbox-keeper.ts';
import { SandboxPool } from '../../network/sandbox-pool.ts';
import type { StateDir } from '../../state/state-dir.ts';
import type { Runtime } from '../runtime.ts';
import { type ContainerSettings, hasSandboxes } from './container-spec.ts';
import { ContainerStreams } from './container-streams.ts';
import { CALL_MS, DockerRuntime } from './docker-runtime.ts';
import { type Engine, engineAt } from './engine.ts';
import { type ImageApi, Images } from './images.ts';
import { DroneNetwork } from './network/drone-network.ts';
import { Holders } from './network/holders.ts';

export interface DockerOptions extends ContainerSettings {
  readonly socketPath: string;
  /** The subnet of a network that must be created. Empty for the first free one of 10.213.0.0/16 to 10.228.0.0/16. */
  readonly subnet: string;
  /** The number of sandboxes that are ready at rest. 0 for none. */
  readonly sandboxes: number;
  /** The part of one processor that making them may use, in percent. */
  readonly sandboxesCpuPercent: number;
  /** Pulls of different images that run at once. */
  readonly pullsAtOnce: number;
  readonly state: StateDir;
  readonly clock: Clock;
  readonly log: Log;
}

/** Connects to the engine and creates the drone's network if it is missing. Rejects if the engine does not answer. */
export async function openDocker(options: DockerOptions): Promise<Runtime> {
  const docker = engineAt(options.socketPath, CALL_MS);
  const streams = engineAt(options.socketPath);
  const network = new DroneNetwork(docker, options);
  const routes = hostRoutes();
  const subnet = await network.ensure((candidate) => overlapsAny(candidate, routes));
  const addresses = new Addresses({ ...options, subnet });
  const { state, clock, log } = options;
  const sandboxes = new SandboxKeeper({
    api: new Holders({ docker, network, addresses, settings: { ...options, subnet } }),
    pool: new SandboxPool(state.below('sandboxes')),
    demand: new SandboxDemand(hasSandboxes(options) ? options.sandboxes : 0),
    share: options.sandboxesCpuPercent / 100,
    clock,
    log,
    random: Math.random,
  });
  const images = new Images(imageApi(docker, streams), { ...options, random: Math.random });
  return new DockerRuntime({
    docker,
    streams: new ContainerStreams(streams),
    network,
    addresses,
    sandboxes,
    images,
    options: { ...options, subnet },
  });
}

function imageApi(docker: Engine, streams: Engine): ImageApi {
  return {
    inspect: (image) => docker.getImage(image).inspect(),
    pull: (image, options) => streams.pull(image, options),
  };
}
