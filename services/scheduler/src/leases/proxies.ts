import { hash } from 'node:crypto';
import { DEADLINES } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import type { ProxyList } from '@spawner/proto/internal/scheduler_service';
import type { KnownNode } from '../store/node-store.ts';

/**
 * The list of proxies that other nodes get. A proxy that missed its renewals is listed as lapsed until it is forgotten:
 * DNS omits it, an agent still asks it. The version is drawn from the list
 * itself, so that all schedulers give the same list the same version.
 */
export function proxyList(known: readonly KnownNode[]): ProxyList {
  const proxies = known
    .filter(({ renewalAge }) => renewalAge <= DEADLINES.proxyForgotten)
    .map(({ node, renewalAge }) => ({ ...node, lapsed: renewalAge > DEADLINES.renewalsMissed }));
  const bytes = Buffer.concat(proxies.map((proxy) => Node.encode(proxy).finish()));
  return { version: 1 + hash('sha256', bytes, 'buffer').readUIntBE(0, 6), proxies };
}
