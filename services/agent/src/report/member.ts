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

/** How this drone describes itself to the scheduler. */
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

/** What listens everywhere is reached at the loopback address, too; that others are on other machines has to be said. */
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
    acknowledged: (reports) => drone.acknowledge(reports),
    ended: (ids) => drone.forget(ids),
    stop: (orders) => {
      for (const order of orders) drone.stop(order);
    },
  };
}
