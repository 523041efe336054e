import type { Node } from '@spawner/proto/internal/node';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import type { ProxyReport } from './usage.ts';

/** The answer of one proxy that was asked before an idle shutdown. */
export interface Testimony {
  readonly proxyId: string;
  /** Missing if the proxy did not answer, or cannot speak for the process that may have served the backend. */
  readonly reply?: SettleReply;
  /** An instant by which the process that can no longer answer was certainly dead. */
  readonly deadBy?: number;
}

/** Everything that is known of a proxy once it was asked. */
export interface AskedProxy {
  readonly proxyId: string;
  readonly reply?: SettleReply;
  /** Its entry in the scheduler's list. */
  readonly listed?: Node;
  /** The last report that the agent has received. */
  readonly report?: ProxyReport;
}

/** `deadBy` returns when the process of a proxy's registration was certainly dead, or undefined. Pure otherwise. */
export function testify(asked: AskedProxy, deadBy: DeadBy): Testimony {
  const { proxyId, reply } = asked;
  const dead = processDeadBy(asked, deadBy);
  // A process that is not registered yet cannot speak for its predecessor, unless that one is dead.
  const counts = !(reply?.unused && reply.registration === 0 && dead === undefined);
  return { proxyId, reply: counts ? reply : undefined, deadBy: dead };
}

export type DeadBy = (proxyId: string, registration: number) => number | undefined;

/** Whether the proxy has answered for the process that may have served the backend. */
export function hasSpoken({ reply }: Testimony): boolean {
  return reply?.activity !== undefined;
}

/**
 * A time by which the process that may have served this backend was certainly dead, or undefined. For a proxy that did
 * not answer, that is its own process. For a proxy that has restarted since, it is the process whose registration it has
 * replaced or will replace.
 */
function processDeadBy({ proxyId, reply, listed, report }: AskedProxy, deadBy: DeadBy): number | undefined {
  const registered = Math.max(listed?.registration ?? 0, report?.registration ?? 0);
  // A proxy that verified the backend may be a process that is not registered yet, under the same id.
  if (!reply?.activity) return report?.verified ? undefined : deadBy(proxyId, registered);
  if (!reply.unused) return undefined;
  // If the listed process itself answered, its predecessor may have served the backend. A process that registers
  // only now has not: the route was suspended before.
  const isListed = reply.registration === listed?.registration;
  return deadBy(proxyId, isListed ? listed.replacedRegistration : registered);
}
