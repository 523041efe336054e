import { isIPv6 } from 'node:net';
import type { Member } from '@spawner/cluster';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import type { AgentConfig } from '../config.ts';
import type { Drone } from '../lifecycle/drone.ts';
import type { Lease } from '../state/lease.ts';

type NodeConfig = Pick<
  AgentConfig,
  'region' | 'advertiseAddress' | 'bindAddress' | 'cpuMillis' | 'memoryBytes' | 'maxBackends'
>;

/** This drone's entry in the scheduler's list of nodes. */
export function droneNode(config: NodeConfig, droneId: string, runtime: string, boundPort: number): Node {
  return Node.fromPartial({
    kind: NodeKind.DRONE,
    id: droneId,
    region: config.region,
    rpcAddress: config.advertiseAddress || reachedAt(config.bindAddress, boundPort),
    runtime,
    cpuMillis: config.cpuMillis,
    memoryBytes: config.memoryBytes,
    backends: config.maxBackends,
  });
}

/** The address of a server that listens on every address. Other machines need SPAWNER_AGENT_ADVERTISE_ADDRESS. */
function reachedAt(bindAddress: string, port: number): string {
  const address = ['0.0.0.0', '::'].includes(bindAddress) ? '127.0.0.1' : bindAddress;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The drone as a member of the cluster. */
export function memberOf(drone: Drone, lease: Lease, node: Node): Member {
  return {
    node,
    renewed: (sentAt) => lease.renewed(sentAt),
    inventory: () => drone.inventory(),
    highestPlacement: () => drone.highestPlacement(),
    changed: () => drone.unacknowledged(),
    starts: () => drone.starts.load(drone.unstarted()),
    acknowledged: (reports) => drone.acknowledge(reports),
    ended: (ids) => drone.forget(ids),
    stop: (orders) => {
      for (const order of orders) drone.stop(order);
    },
  };
}
