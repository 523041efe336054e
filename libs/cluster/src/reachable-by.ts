import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { Node } from '@spawner/proto/internal/node';
import type { BackendRoute } from '@spawner/proto/internal/route';

type Addressed = Pick<BackendRoute, 'droneId' | 'local' | 'network'>;

/**
 * Where a proxy reaches the backend of a route: at its local address from the backend's own drone, and otherwise at its
 * network address. Returns undefined if the proxy cannot reach it. `proxyDroneId` is empty for a proxy on no drone.
 */
export function endpointFor(route: Addressed, proxyDroneId: string): Endpoint | undefined {
  return (isOn(route, proxyDroneId) ? route.local : undefined) ?? route.network;
}

/**
 * The proxies that can reach the backend of a route, those on its own drone first. A backend that publishes no network
 * address, or none yet, is reached only from its own drone.
 */
export function reachableBy<P extends Pick<Node, 'droneId'>>(route: Addressed, proxies: readonly P[]): P[] {
  const own = proxies.filter(({ droneId }) => isOn(route, droneId));
  if (!route.network) return own;
  return [...own, ...proxies.filter(({ droneId }) => !isOn(route, droneId))];
}

function isOn({ droneId }: Addressed, proxyDroneId: string): boolean {
  return proxyDroneId !== '' && proxyDroneId === droneId;
}
