import type { Log } from '@spawner/service';
import { ensureNetwork, type NetworkApi } from '../../../network/bridge-network.ts';
import type { Engine } from '../engine.ts';
import { engineCall, unlessMissing } from '../errors.ts';

interface NetworkSettings {
  readonly network: string;
  readonly subnet: string;
  readonly cluster: string;
  readonly log: Log;
}

/** The bridge network of the drone's backends. */
export class DroneNetwork {
  readonly #api: NetworkApi;
  readonly #settings: NetworkSettings;
  #creating: Promise<string> | undefined;

  constructor(docker: Engine, settings: NetworkSettings) {
    this.#api = networkApi(docker);
    this.#settings = settings;
  }

  /** Creates the network if it is missing, on a subnet that is not taken, and returns its subnet. */
  ensure(isTaken: (subnet: string) => boolean): Promise<string> {
    return ensureNetwork(this.#api, this.#settings, isTaken);
  }

  /** Creates the network again on this subnet. `docker network prune` removes it while nothing uses it. */
  createAgain(subnet: string): Promise<string> {
    // Concurrent callers share one creation: the engine refuses a second one before it lists the first.
    this.#creating ??= ensureNetwork(this.#api, { ...this.#settings, subnet }, () => false).finally(() => {
      this.#creating = undefined;
    });
    return this.#creating;
  }
}

function networkApi(docker: Engine): NetworkApi {
  return {
    find: async (name) => {
      const found = await unlessMissing(docker.getNetwork(name).inspect());
      if (!found) return undefined;
      return { subnet: found.IPAM?.Config?.[0]?.Subnet ?? '' };
    },
    create: (options) => engineCall(docker.createNetwork(options)),
  };
}
