/**
 * Two drones, the second on a machine of its own. First its network is cut for a minute while its programs continue, then
 * its power. Every holder of a key writes its fence as long as it lives; both machines read one clock here. The users of
 * the second machine's sessions are on that machine, so that the cut is not between them.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DEADLINES } from '@spawner/domain';
import {
  type DockerDaemon,
  eventually,
  expectComplaint,
  makeNamespace,
  type NetworkNamespace,
  type Program,
  startDockerDaemon,
  startProgram,
  startTimeJudge,
  type TimeJudge,
} from '@spawner/testkit';
import type { WebSocket } from 'ws';
import { edgeOf } from '../cluster/api.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { ROOT } from '../cluster/service-process.ts';
import { type EngineView, engineView } from './engine-view.ts';
import { fenceLines, outOfOrder } from './fence-record.ts';
import { idsOf, type Kind, respawn, type Session, spawnSession } from './population.ts';
import { type Failure, SLOW_MS, type Slow, startTraffic, type Traffic } from './traffic.ts';

const HERE = 'drone-1';
const THERE = 'drone-2';
const KINDS: readonly Kind[] = ['strict', 'loose', 'plain'];
const EACH_KIND = 4;
/** Strict sessions that the machine gets again before its power goes; some may be placed on the other drone. */
const LATE = 2;
const MOST_LATE = 8;
const CUT_MS = 60_000;
/** Much shorter than the cut. */
const IDLE_TIMEOUT_MS = 20_000;
const WHOLE_WITHIN_MS = 5_000;
/** How long a test waits for something before it judges how late it came. */
const PATIENCE_MS = 60_000;
/** From a deadline to its effect: a signal, a sweep, a call that is repeated. */
const MARGIN_MS = 1_500;
const FREE_WITHIN_MS = DEADLINES.leaseGiveAway + 5_000;

interface NearFigures {
  requests: number;
  echoes: number;
  failures: Failure[];
  slow: Slow[];
}

describe('a drone on a machine of its own', () => {
  const stack = new AsyncDisposableStack();
  let namespace: NetworkNamespace;
  let engine: DockerDaemon;
  let cluster: Cluster;
  let here: EngineView;
  let there: EngineView;
  let sessions: Session[] = [];
  let far: Traffic;
  let near: Program;
  const logs: { key: string; log: Program }[] = [];

  let judge: TimeJudge;
  beforeAll(async () => {
    namespace = stack.use(await makeNamespace());
    engine = stack.use(await startDockerDaemon({ namespace }));
    const machine = { namespace, docker: engine };
    cluster = stack.use(await startCluster({ machine, count: { agent: 2, proxy: 2 } }));
    judge = stack.use(startTimeJudge(() => [...cluster.pids(), engine.pid()]));
    here = engineView(cluster.dockerSocket!, cluster.name);
    there = engineView(engine.socketPath, cluster.name);
    const wanted = KINDS.flatMap((kind) =>
      Array.from({ length: EACH_KIND }, (_, number) => ({ kind, number })),
    );
    // They are in use until their users have come, however long that takes.
    const first: WebSocket[] = [];
    const theirs = edgeOf(cluster.services.proxy[1]!.port, cluster.domain, namespace.address);
    const use = async (id: string, droneId: string) =>
      first.push(await (droneId === HERE ? cluster : theirs).openWebSocket(id));
    // One after the other, so that the drones get them in turn.
    for (const { kind, number } of wanted)
      sessions.push(await spawnSession(cluster, wish(kind), `${kind}-${number}`, use));
    for (const kind of KINDS) for (const drone of [HERE, THERE]) expect(of(kind, drone)).not.toEqual([]);
    for (const each of sessions) await follow(each);
    far = await startTraffic(cluster, idsOf(used(HERE)));
    stack.defer(() => far.stop());
    near = stack.use(await startNearUsers());
    await rounds();
    for (const each of first) each.terminate();
  });
  afterAll(async () => {
    const { requests = 0, echoes = 0 } = far?.figures() ?? {};
    process.stdout.write(
      `faults: partition: ${JSON.stringify({ far: { requests, echoes }, fences: record().length })}\n`,
    );
    await stack.disposeAsync();
  });

  const wish = (kind: Kind) => ({ kind, idleTimeoutMs: kind === 'strict' ? 0 : IDLE_TIMEOUT_MS });
  const on = (drone: string) => sessions.filter(({ droneId }) => droneId === drone);
  const of = (kind: Kind, drone: string) => on(drone).filter((each) => each.kind === kind);
  const used = (drone: string) => on(drone).filter(({ kind }) => kind !== 'strict');

  const follow = async ({ id, key, droneId }: Session) => {
    if (key === '') return;
    logs.push({ key, log: stack.use(await (droneId === HERE ? here : there).follow(id)) });
  };
  /** Every line that a holder of a key has written by now. */
  const record = () => logs.flatMap(({ key, log }) => fenceLines(key, log.lines));

  const startNearUsers = () => {
    const [command = '', ...before] = namespace.prefix;
    const users = ['test/faults/near-users.ts', namespace.address, String(cluster.services.proxy[1]!.port)];
    return startProgram({
      command,
      args: [...before, process.execPath, ...users, cluster.domain, ...idsOf(used(THERE))],
      cwd: ROOT,
      ready: (line) => line.startsWith('{'),
    });
  };
  const nearFigures = (): NearFigures => {
    const line = near.lines.findLast((each) => each.startsWith('{'));
    if (!line) throw new Error(`the near users wrote no figures: ${near.output()}`);
    return JSON.parse(line) as NearFigures;
  };
  /** Waits until the near users together have had many more answers and echoes. */
  const nearRound = async () => {
    const before = nearFigures();
    const more = 2 * used(THERE).length;
    await eventually(() => {
      const now = nearFigures();
      return now.requests >= before.requests + more && now.echoes >= before.echoes + more;
    });
  };
  const rounds = () => Promise.all([far.round(), nearRound()]);

  /** No use failed, and none took long. */
  const servesWell = () => {
    expect(nearFigures().failures).toEqual([]);
    expect(far.takeFailures()).toEqual([]);
    for (const { id, kind, from, to } of [...nearFigures().slow, ...far.takeSlow()])
      judge.expect({ what: `the ${kind} answer of ${id}`, from, to, boundMs: SLOW_MS });
  };

  /** The API, both drones' reservations and both engines agree on the living backends, and where they are. */
  async function isWhole(): Promise<void> {
    const since = Date.now();
    await eventually(
      async () => {
        const { json } = await cluster.call('GET', '/v1/backends?pageSize=1000');
        const living = (json.backends ?? []).filter(({ state }) => state !== 'TERMINATED');
        expect(
          living.map(({ id, state, droneId, unreachable }) => ({ id, state, droneId, unreachable })),
        ).toEqual(
          expect.arrayContaining(
            sessions.map(({ id, droneId }) => ({ id, state: 'READY', droneId, unreachable: undefined })),
          ),
        );
        expect(living).toHaveLength(sessions.length);
        expect(await here.running()).toEqual(idsOf(on(HERE)).sort());
        expect(await there.running()).toEqual(idsOf(on(THERE)).sort());
        const { json: fleet } = await cluster.call('GET', '/v1/drones');
        for (const drone of [HERE, THERE])
          expect(fleet.drones).toContainEqual(
            expect.objectContaining({
              id: drone,
              state: 'READY',
              reserved: expect.objectContaining({ backends: expect.anything() }),
            }),
          );
        for (const { id, reserved } of fleet.drones ?? [])
          expect(Number(reserved?.backends)).toBe(on(id).length);
      },
      { timeoutMs: PATIENCE_MS },
    );
    const whole = Date.now();
    process.stdout.write(
      `faults: ${expect.getState().currentTestName}: whole after ${whole - since} ms; ${judge.summary()}\n`,
    );
    judge.expect({ what: 'the agreement of all tables', from: since, to: whole, boundMs: WHOLE_WITHIN_MS });
  }

  /** The API reports the machine's drone and its backends as unreachable, once it has missed three renewals. */
  const isUnreachable = async (ids: string[]) => {
    const since = Date.now();
    await eventually(
      async () => {
        const { json } = await cluster.call('GET', '/v1/drones');
        expect(json.drones).toContainEqual(expect.objectContaining({ id: THERE, state: 'UNREACHABLE' }));
        for (const id of ids)
          expect(await cluster.backend(id)).toMatchObject({ state: 'READY', unreachable: true });
      },
      { timeoutMs: PATIENCE_MS },
    );
    const boundMs = DEADLINES.renewalsMissed + DEADLINES.renewEvery + MARGIN_MS;
    judge.expect({ what: `the report that ${THERE} is away`, from: since, boundMs });
  };

  /** Each key of these holders comes to the drone here, with a higher fence and in time; resolves with the new holders. */
  const taken = async (holders: Session[], since: number): Promise<Session[]> => {
    const claims = holders.map(({ key }) =>
      respawn(cluster, wish('strict'), key, { timeoutMs: FREE_WITHIN_MS + PATIENCE_MS }),
    );
    const back = await Promise.all(claims);
    for (const [index, { session, at }] of back.entries()) {
      process.stdout.write(`faults: ${session.key}: had again ${at - since} ms after the fault\n`);
      expect(session.droneId).toBe(HERE);
      expect(session.fence).toBeGreaterThan(holders[index]!.fence);
      expect(at - since).toBeGreaterThan(DEADLINES.leaseKill);
      judge.expect({
        what: `the new holder of ${session.key}`,
        from: since,
        to: at,
        boundMs: FREE_WITHIN_MS,
      });
    }
    return back.map(({ session }) => session);
  };

  it('without a network for 60 s: its strict keys are fenced and taken here, never two at once; the others are unreachable, and come back in use', async () => {
    await isWhole();
    const fenced = of('strict', THERE);
    const kept = used(THERE);
    const pids = await Promise.all(idsOf(kept).map((id) => there.pid(id)));
    const since = Date.now();
    await namespace.cut();
    const claims = taken(fenced, since);
    const [next] = await Promise.all([claims, isUnreachable(idsOf(kept))]);
    for (const each of next) await follow(each);
    for (const [id, { termMs, deadMs }] of await there.ends(idsOf(fenced), since)) {
      process.stdout.write(`faults: ${id}: asked to end after ${termMs} ms, dead after ${deadMs} ms\n`);
      expect(termMs).toBeGreaterThan(DEADLINES.leaseStop - DEADLINES.renewEvery - MARGIN_MS);
      judge.expect({ ...ofLease(id, 'SIGTERM'), from: since + DEADLINES.leaseStop, to: since + termMs });
      judge.expect({ ...ofLease(id, 'SIGKILL'), from: since + DEADLINES.leaseKill, to: since + deadMs });
    }
    sessions = [...sessions.filter((each) => !fenced.includes(each)), ...next];
    await wait(since + CUT_MS - Date.now());
    await nearRound();
    await isUnreachable(idsOf(kept));

    await namespace.heal();
    await isWhole();
    await rounds();
    servesWell();
    expect(await Promise.all(idsOf(kept).map((id) => there.pid(id)))).toEqual(pids);
    for (const { id } of fenced)
      expect(await cluster.backend(id)).toMatchObject({ state: 'TERMINATED', endReason: 'LEASE_LOST' });
    for (const { id, key } of sessions.filter((each) => each.key !== ''))
      expect(await cluster.call('POST', '/v1/backends', keyed(key))).toMatchObject({
        json: { spawned: false, backend: { id } },
      });
    writtenInOrder(fenced, next);
  });

  it('without power: its strict keys are free in time, all else that it had is unreachable', async () => {
    for (let number = 0; of('strict', THERE).length < LATE && number < MOST_LATE; number += 1)
      sessions.push(await spawnSession(cluster, wish('strict'), `late-${number}`));
    const late = of('strict', THERE);
    expect(late).toHaveLength(LATE);
    for (const each of late) await follow(each);
    const gone = used(THERE);
    servesWell();
    const { requests, echoes } = nearFigures();
    process.stdout.write(`faults: partition: ${JSON.stringify({ near: { requests, echoes } })}\n`);

    expectComplaint(/^(?:agent|proxy)-2 ended by itself with SIGKILL$/);
    const since = Date.now();
    await namespace.killAll();
    stack.defer(() => engine.restart());
    const [next] = await Promise.all([taken(late, since), isUnreachable(idsOf(gone))]);
    for (const each of next) await follow(each);
    await isUnreachable(idsOf(gone));
    for (const { id } of late)
      expect(await cluster.backend(id)).toMatchObject({ state: 'TERMINATED', endReason: 'LEASE_LOST' });
    await far.round();
    await far.stop();
    expect(far.takeFailures()).toEqual([]);
    for (const { id, kind, from, to } of far.takeSlow())
      judge.expect({ what: `the ${kind} answer of ${id}`, from, to, boundMs: SLOW_MS });
    writtenInOrder(late, next);
  });

  const keyed = (key: string) => ({
    spec: {
      image: 'spawner/probe:latest',
      ...(key.startsWith('loose') ? { onLeaseLoss: 'CONTINUE' } : {}),
    },
    key: { name: key },
  });

  /** Both holders of each key have written, and no fence was written after a higher one. */
  function writtenInOrder(before: Session[], after: Session[]): void {
    const lines = record();
    for (const { key, fence } of [...before, ...after])
      expect(lines.filter((line) => line.key === key && line.fence === fence)).not.toEqual([]);
    expect(outOfOrder(lines)).toEqual([]);
  }
});

/** A signal at a lease's deadline: the bound is what the deadline sets going. */
function ofLease(of: string, signal: string) {
  return { what: `the ${signal} of ${of} after its deadline`, boundMs: MARGIN_MS };
}
