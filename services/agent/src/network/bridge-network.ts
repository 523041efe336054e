import type { Log } from '@spawner/service';
import { RuntimeError } from '../runtime/runtime.ts';

/** The engine's calls for networks. */
export interface NetworkApi {
  find(name: string): Promise<{ subnet: string } | undefined>;
  create(options: NetworkOptions): Promise<unknown>;
}

export type NetworkOptions = ReturnType<typeof optionsOf>;

const USUAL = Array.from({ length: 16 }, (_, index) => `10.${213 + index}.0.0/16`);
const ISOLATED: Record<string, string> = { 'com.docker.network.bridge.enable_icc': 'false' };

/**
 * Creates the bridge network of the cluster's backends if it is missing, and returns its subnet. Without a configured
 * subnet it takes the first usual one that neither the engine nor `isTaken` has. Backends cannot reach each other there if
 * the kernel lets the engine isolate them.
 */
export async function ensureNetwork(
  api: NetworkApi,
  { network, subnet, cluster, log }: { network: string; subnet: string; cluster: string; log: Log },
  isTaken: (subnet: string) => boolean,
): Promise<string> {
  const present = await api.find(network);
  if (present) {
    if (subnet !== '' && present.subnet !== subnet)
      log.warn(
        { network, subnet: present.subnet, configured: subnet },
        'the network exists with another subnet',
      );
    return present.subnet;
  }
  const candidates = subnet === '' ? USUAL.filter((usual) => !isTaken(usual)) : [subnet];
  for (const candidate of candidates) {
    try {
      await create(api, optionsOf(network, candidate, cluster), log);
      log.info({ network, subnet: candidate }, 'created the network of the backends');
      return candidate;
    } catch (error) {
      const raced = await api.find(network);
      if (raced) return raced.subnet;
      if (!isOverlap(error)) throw error;
    }
  }
  throw new Error(
    `no subnet is free (${subnet || 'all usual ones are taken'}); set SPAWNER_AGENT_DOCKER_SUBNET`,
  );
}

/** Whether the engine's message says that the container's network does not exist. */
export function isMissingNetwork(message: string): boolean {
  return /^network .* not found$/i.test(message);
}

function isOverlap(error: unknown): boolean {
  return error instanceof RuntimeError && /overlap/i.test(error.message);
}

async function create(api: NetworkApi, options: NetworkOptions, log: Log): Promise<void> {
  try {
    await api.create(options);
  } catch (error) {
    if (!(error instanceof RuntimeError) || !/inter-container/i.test(error.message)) throw error;
    log.warn({ detail: error.message }, 'backends of this machine can reach each other over its network');
    await api.create({ ...options, Options: {} });
  }
}

function optionsOf(name: string, subnet: string, cluster: string) {
  return {
    Name: name,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Labels: { 'dev.spawner.managed': 'true', 'dev.spawner.cluster': cluster },
    Options: ISOLATED,
  };
}
