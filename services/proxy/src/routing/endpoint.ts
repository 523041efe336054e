import type { Endpoint } from '@spawner/proto/internal/backend_status';

/** Whether both are the same place to connect to. */
export function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one === other || (one.port === other.port && one.host === other.host);
}
