import { Backend, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ClockName, type RefusedEnd } from '@spawner/proto/v1/explanation';
import { type Facts, lifeSummary, placementSummary } from './summary.ts';

const NOW = new Date('2026-03-04T05:06:07.000Z');

type Told = Parameters<typeof Backend.fromPartial>[0];

const said = (backend: Told, more: Partial<Omit<Facts, 'backend'>> = {}) =>
  lifeSummary({
    backend: Backend.fromPartial({ droneId: 'a', idleTimeoutMs: 60_000, ...backend }),
    ...{
      clocks: [],
      refusedEnds: [],
      endReason: EndReason.UNSPECIFIED,
      silentMs: 0,
      strict: false,
      now: NOW,
    },
    ...more,
  });
const clock = (name: ClockName, limitMs: number, elapsedMs: number) => ({
  ...{ name, limitMs, elapsedMs },
  remainingMs: limitMs - elapsedMs,
});
const ready = (activity: Told['activity'], more: Told = {}) => ({
  ...{ state: BackendState.READY, activity },
  ...more,
});
const unused = { openConnections: 0, idleForMs: 41_000, idleRemainingMs: 19_000 };
const refusal: RefusedEnd = { cause: 'no answer from p', time: new Date(NOW.getTime() - 3_000), times: 1 };

describe('the summary of a living backend', () => {
  it.each<[string, string]>([
    [said(ready({ openConnections: 1, idleForMs: 0 })), 'READY and in use: 1 open connection.'],
    [said(ready({ openConnections: 2, idleForMs: 0 })), 'READY and in use: 2 open connections.'],
    [said(ready(unused)), 'READY, idle for 41 s; ends in 19 s unless a client connects.'],
    [
      said(ready(unused), {
        clocks: [clock(ClockName.IDLE, 60_000, 41_000), clock(ClockName.LIFETIME, 3_600_000, 600_000)],
      }),
      'READY, idle for 41 s; ends in 19 s unless a client connects. Its lifetime ends in 50 min.',
    ],
    [
      said(ready({ openConnections: 0, idleForMs: 61_000, idleRemainingMs: 0 })),
      'READY, idle for 61 s; its idle shutdown is being settled.',
    ],
    [
      said(ready(unused), { refusedEnds: [refusal] }),
      'READY, idle for 41 s; ends in 19 s unless a client connects. Its idle shutdown was refused 3 s ago: no answer from p.',
    ],
    [
      said(ready(unused), {
        unforwardableAnswer: { objection: 'it is odd', time: new Date(NOW.getTime() - 4_000) },
      }),
      'READY, idle for 41 s; ends in 19 s unless a client connects. An answer of its program could not be forwarded 4 s ago: it is odd.',
    ],
    [
      said(ready({ openConnections: 0, idleForMs: 500 }, { idleTimeoutMs: 0 })),
      'READY, idle for 500 ms; it has no idle timeout.',
    ],
    [said(ready(undefined)), 'READY; its drone did not answer how it is used.'],
    [said({ state: BackendState.SCHEDULED }), 'Placed on drone a, which has not reported on it yet.'],
    [
      said({
        state: BackendState.LOADING,
        pull: { layers: 4, layersDone: 1, bytes: 80e6, bytesDone: 12.34e6 },
      }),
      'LOADING: pulling its image (1 of 4 layers, 12.3 of 80.0 MB).',
    ],
    [
      said(
        { state: BackendState.LOADING, pull: { attempts: 1, lastError: 'unexpected EOF' } },
        { clocks: [clock(ClockName.PULL, 600_000, 12_000)] },
      ),
      'LOADING: pulling its image for 12 s; abandoned in 10 min. An attempt failed: unexpected EOF. It is tried again.',
    ],
    [
      said({ state: BackendState.LOADING }, { clocks: [clock(ClockName.PULL, 600_000, 12_000)] }),
      'LOADING: pulling its image for 12 s; abandoned in 10 min.',
    ],
    [said({ state: BackendState.LOADING }), 'LOADING: pulling its image.'],
    [
      said({ state: BackendState.LOADING, queuePosition: 7, expectedWaitMs: 4_200 }),
      'LOADING: it is 7th in the queue of its drone; about 4.2 s are left.',
    ],
    [
      said({ state: BackendState.LOADING, queuePosition: 1 }),
      'LOADING: it is 1st in the queue of its drone.',
    ],
    [said({ state: BackendState.STARTING }), 'STARTING: its container is being created and started.'],
    [
      said({ state: BackendState.WAITING }, { clocks: [clock(ClockName.STARTUP, 60_000, 2_500)] }),
      "WAITING for its program's first answer for 2.5 s; abandoned in 58 s.",
    ],
    [
      said(
        { state: BackendState.TERMINATING },
        { endReason: EndReason.LIFETIME, clocks: [clock(ClockName.GRACE, 10_000, 3_000)] },
      ),
      'Ending as LIFETIME: 7 s of its grace of 10 s are left.',
    ],
    [said({ state: BackendState.TERMINATING }), 'Ending.'],
    [said(ready(undefined), { endReason: EndReason.REQUESTED }), 'Ending as REQUESTED.'],
    [
      said(ready(undefined, { unreachable: true }), { silentMs: 12_000, strict: true }),
      'Unreachable: its drone has not renewed for 12 s. Unless the drone returns, it ends as LEASE_LOST in 33 s.',
    ],
    [
      said(ready(undefined, { unreachable: true }), { silentMs: 12_000 }),
      'Unreachable: its drone has not renewed for 12 s. Unless the drone returns, it ends as DRONE_LOST in 10 min.',
    ],
    [
      said(ready(undefined, { unreachable: true }), { silentMs: Number.POSITIVE_INFINITY }),
      'Unreachable: its drone a is not registered.',
    ],
  ])('says: %s', (summary, expected) => {
    expect(summary).toBe(expected);
  });
});

describe('the summary of an ended backend', () => {
  const at = 'at 2026-03-04T05:06:07.000Z';
  it.each<[Told, string]>([
    [{ endReason: EndReason.IDLE }, `Ended as IDLE ${at}: it was unused for 60 s.`],
    [
      { endReason: EndReason.LIFETIME, lifetimeLimitMs: 1_500 },
      `Ended as LIFETIME ${at}: its lifetime of 1.5 s ended.`,
    ],
    [{ endReason: EndReason.REQUESTED }, `Ended as REQUESTED ${at}: a caller terminated it.`],
    [{ endReason: EndReason.EXITED, exitCode: 0 }, `Ended as EXITED ${at}: its program exited with code 0.`],
    [{ endReason: EndReason.FAILED, exitCode: 3 }, `Ended as FAILED ${at}: its program exited with code 3.`],
    [
      { endReason: EndReason.FAILED, exitCode: 137, outOfMemory: true },
      `Ended as FAILED ${at}: its program ran out of memory.`,
    ],
    [
      { endReason: EndReason.LOAD_ERROR, endDetail: 'manifest unknown' },
      `Ended as LOAD_ERROR ${at}: its image could not be pulled (manifest unknown).`,
    ],
    [
      { endReason: EndReason.START_ERROR, exitCode: 2 },
      `Ended as START_ERROR ${at}: it could not be started, its program exited with code 2.`,
    ],
    [
      { endReason: EndReason.STARTUP_TIMEOUT },
      `Ended as STARTUP_TIMEOUT ${at}: it did not become ready in time.`,
    ],
    [
      { endReason: EndReason.LEASE_LOST },
      `Ended as LEASE_LOST ${at}: its drone could not renew its lease in time.`,
    ],
    [{ endReason: EndReason.DRONE_LOST }, `Ended as DRONE_LOST ${at}: its drone was given up.`],
    [{ endReason: EndReason.DRAINED }, `Ended as DRAINED ${at}: its drone was drained.`],
    [
      { endReason: EndReason.INTERNAL, endDetail: 'internal error x' },
      `Ended as INTERNAL ${at}: an internal error of Spawner (internal error x).`,
    ],
  ])('of %j', (backend, expected) => {
    expect(said({ state: BackendState.TERMINATED, endTime: NOW, ...backend })).toBe(expected);
  });
});

describe('the summary of a placement', () => {
  const of = (known: number, considered: number, stale: number, full: number) =>
    placementSummary('a', { known, considered, stale, full, loadPermille: 254, later: 0 });
  it.each<[string, string]>([
    [of(1, 1, 0, 0), 'Drone a (25 % reserved) was the only one.'],
    [
      of(3, 1, 0, 0),
      'Drone a (25 % reserved) was the least loaded with room, of 3: 2 had at least as much reserved.',
    ],
    [
      of(4, 3, 1, 1),
      'Drone a (25 % reserved) was the least loaded with room, of 4: 1 had no room, 1 had not renewed, 1 had at least as much reserved.',
    ],
    [
      placementSummary('a', {
        ...{ known: 3, considered: 3, stale: 0, full: 0, loadPermille: 500 },
        ...{ later: 2, expectedWaitMs: 1_500 },
      }),
      'Drone a (50 % reserved, ready in about 1.5 s) was the least loaded of those that start it soonest, of 3: 2 would have had it ready later.',
    ],
    [placementSummary('a', undefined), 'It is on drone a; the record of its placement was lost.'],
  ])('says: %s', (summary, expected) => {
    expect(summary).toBe(expected);
  });
});
