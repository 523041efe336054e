import type { AgentServiceExplainBackendResponse } from '@spawner/proto/internal/agent_service';
import type { WaitingStart } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason, type PullProgress } from '@spawner/proto/v1/backend';
import { ActivityKind, type BackendClock, ClockName } from '@spawner/proto/v1/explanation';
import { activityOf, type Usage } from '../idle/usage.ts';
import type { Backend } from '../lifecycle/backend.ts';
import type { Life } from '../lifecycle/life.ts';

type Explained = Pick<Backend, 'life' | 'usage' | 'refusedEnds'>;

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
  };
}

/** The clocks of a backend. A limit of 0 means that the clock does not exist. */
export function clocksOf(life: Life, usage: Usage, now: number): BackendClock[] {
  const { terms, ending, status } = life;
  const clock = (name: ClockName, limitMs: number, since: number | undefined): BackendClock => {
    const elapsedMs = since === undefined ? 0 : Math.max(0, Math.round(now - since));
    const remainingMs = since === undefined ? undefined : Math.max(0, limitMs - elapsedMs);
    return { name, limitMs, elapsedMs, remainingMs };
  };
  const during = (state: BackendState, since: number | undefined) =>
    status.state === state && !ending ? since : undefined;
  const { openConnections } = activityOf(usage, terms.idleTimeoutMs, now);
  const unused = openConnections === 0 ? usage.activeAt : undefined;
  return [
    clock(ClockName.PULL, terms.pullTimeoutMs, during(BackendState.LOADING, life.loadingAt)),
    clock(ClockName.STARTUP, terms.startupTimeoutMs, during(BackendState.WAITING, life.startedAt)),
    clock(ClockName.IDLE, terms.idleTimeoutMs, during(BackendState.READY, unused)),
    clock(ClockName.LIFETIME, terms.lifetimeLimitMs, during(BackendState.READY, life.readyAt)),
    clock(ClockName.GRACE, terms.stopGraceMs, ending?.removing ? undefined : ending?.stopAt),
  ].filter(({ limitMs }) => limitMs > 0);
}
