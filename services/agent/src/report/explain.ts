import type { AgentServiceExplainBackendResponse } from '@spawner/proto/internal/agent_service';
import type { WaitingStart } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason, type PullProgress } from '@spawner/proto/v1/backend';
import { ActivityKind, type BackendClock, ClockName } from '@spawner/proto/v1/explanation';
import { activityOf, type Usage } from '../idle/usage.ts';
import type { Backend } from '../lifecycle/backend.ts';
import type { Life } from '../lifecycle/life.ts';

type Explained = Pick<Backend, 'life' | 'usage' | 'refusedEnds'> & Partial<Pick<Backend, 'unforwardable'>>;

/**
 * The agent's part of ExplainBackend: every clock, the users, the refused idle shutdowns, its place in the `order` of
 * the starts that wait, and its pull. Pure.
 */
export function explain(
  backend: Explained,
  now: number,
  order: readonly WaitingStart[] = [],
  pull?: PullProgress,
): AgentServiceExplainBackendResponse {
  const at = order.findIndex(({ id }) => id === backend.life.status.id);
  const { life, usage, refusedEnds } = backend;
  const ready = life.status.state === BackendState.READY;
  const { last } = usage;
  return {
    activity: ready ? activityOf(usage, life.terms.idleTimeoutMs, now) : undefined,
    clocks: clocksOf(life, usage, now),
    proxies: [...usage.reports].map(([proxyId, { open, heardAt }]) => ({
      proxyId,
      openConnections: open,
      heardAgoMs: Math.max(0, Math.round(now - heardAt)),
    })),
    lastActivity: last && {
      proxyId: last.proxyId,
      ageMs: Math.max(0, Math.round(now - last.at)),
      kind: last.kind ?? ActivityKind.UNSPECIFIED,
      path: last.path ?? '',
    },
    refusedEnds: [...refusedEnds],
    endReason: life.ending?.reason ?? EndReason.UNSPECIFIED,
    queuePosition: at < 0 ? undefined : at + 1,
    expectedWaitMs: order[at]?.expectedWaitMs,
    pull,
    unforwardableAnswer: backend.unforwardable,
  };
}

/** The clocks of the present state. Another one is over, or has not begun, and would show a time that means something else. */
export function clocksOf(life: Life, usage: Usage, now: number): BackendClock[] {
  const { terms, ending, status } = life;
  const clock = (name: ClockName, limitMs: number, since: number | undefined): BackendClock => {
    const elapsedMs = since === undefined ? 0 : Math.max(0, Math.round(now - since));
    const remainingMs = since === undefined ? undefined : Math.max(0, limitMs - elapsedMs);
    return { name, limitMs, elapsedMs, remainingMs };
  };
  const clocks = (): BackendClock[] => {
    if (ending?.removing) return [];
    if (ending) return [clock(ClockName.GRACE, terms.stopGraceMs, ending.stopAt)];
    switch (status.state) {
      case BackendState.LOADING:
        // Once the image is there, the start waits for its place without a limit.
        return life.loadingAt === undefined
          ? []
          : [clock(ClockName.PULL, terms.pullTimeoutMs, life.loadingAt)];
      case BackendState.WAITING:
        return [clock(ClockName.STARTUP, terms.startupTimeoutMs, life.startedAt)];
      case BackendState.READY: {
        // In use, the idle clock is there and does not run.
        const { openConnections } = activityOf(usage, terms.idleTimeoutMs, now);
        const unused = openConnections === 0 ? usage.activeAt : undefined;
        return [
          clock(ClockName.IDLE, terms.idleTimeoutMs, unused),
          clock(ClockName.LIFETIME, terms.lifetimeLimitMs, life.readyAt),
        ];
      }
      default:
        return [];
    }
  };
  return clocks().filter(({ limitMs }) => limitMs > 0);
}
