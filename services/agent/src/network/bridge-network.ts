import type { Log } from '@spawner/service';
import { RuntimeError } from '../runtime/runtime.ts';

/** What is asked of the engine about networks. */
export interface NetworkApi {
  find(name: string): Promise<{ subnet: string } | undefined>;
  create(options: NetworkOptions): Promise<void>;
}

export interface NetworkOptions {
  readonly Name: string;
  readonly Driver: 'bridge';
  readonly IPAM: { Driver: string; Config: { Subnet: string }[] };
  readonly Labels: Record<string, string>;
  readonly Options: Record<string, string>;
}

const USUAL = Array.from({ length: 16 }, (_, index) => `10.${213 + index}.0.0/16`);
const ISOLATED = { 'com.docker.network.bridge.enable_icc': 'false' };

/**
 * The bridge network of a cluster's backends on this engine, made where it is missing; gives its subnet.
 * Without a configured one it is the first usual one that neither the engine nor `isTaken` has.
 * Backends cannot reach one another there, where the kernel lets the engine see to that.
 */
export async function ensureNetwork(
  api: NetworkApi,
  { network, subnet, cluster }: { network: string; subnet: string; cluster: string },
  isTaken: (subnet: string) => boolean,
  log: Log,
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
      log.info({ network, subnet: candidate }, 'made the network of the backends');
      return candidate;
    } catch (error) {
      const raced = await api.find(network);
      if (raced) return raced.subnet;
      if (!isOverlap(error)) throw error;
    }
  }
  throw new Error(
    `no subnet is free (${subnet || 'all of the usual ones'}); set SPAWNER_AGENT_DOCKER_SUBNET`,
  );
}

/** Whether the engine's words for a container that it cannot start are that its network is not there. */
export function isMissingNetwork(words: string): boolean {
  return /^network .* not found$/i.test(words);
}

function isOverlap(error: unknown): boolean {
  return error instanceof RuntimeError && /overlap/i.test(error.detail);
}

async function create(api: NetworkApi, options: NetworkOptions, log: Log): Promise<void> {
  try {
    await api.create(options);
  } catch (error) {
    if (!(error instanceof RuntimeError) || !/inter-container/i.test(error.detail)) throw error;
    log.warn({ detail: error.detail }, 'backends of this machine can reach one another over its network');
    await api.create({ ...options, Options: {} });
  }
}

function optionsOf(name: string, subnet: string, cluster: string): NetworkOptions {
  return {
    Name: name,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Labels: { 'dev.spawner.managed': 'true', 'dev.spawner.cluster': cluster },
    Options: ISOLATED,
  };
}
