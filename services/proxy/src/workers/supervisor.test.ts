import { createLog } from '@spawner/service';
import { crankedClock } from '@spawner/testkit';
import { Supervisor } from './supervisor.ts';
import type { ToWorker, WorkerOwner } from './worker-process.ts';

/** A worker that records its messages. */
interface Puppet {
  slot: number;
  owner: WorkerOwner;
  told: ToWorker[];
  signals: string[];
}

function supervised(count: number) {
  const clock = crankedClock();
  const puppets: Puppet[] = [];
  let made = 0;
  const supervisor = new Supervisor({
    count,
    drainMs: 5_000,
    clock,
    log: createLog('test', 'silent'),
    random: () => 1,
    ticketKeys: () => Buffer.alloc(48, ++made),
    fork: (slot, owner) => {
      const puppet: Puppet = { slot, owner, told: [], signals: [] };
      puppets.push(puppet);
      return {
        pid: 100 + puppets.length,
        send: (message) => puppet.told.push(message),
        kill: (signal) => {
          puppet.signals.push(signal);
          owner.exited({ code: null, signal });
        },
      };
    },
  });
  const serve = () => {
    for (const { owner } of puppets) owner.heard({ kind: 'state', waitingFor: [] });
  };
  return { clock, puppets, supervisor, serve };
}

const keysOf = ({ told }: Puppet) =>
  told.flatMap((message) => (message.kind === 'ticket keys' ? [Buffer.from(message.keys, 'base64')[0]] : []));

describe('a supervisor', () => {
  it('is complete when all have served, and ready while one serves', async () => {
    const { clock, puppets, supervisor, serve } = supervised(2);
    let complete = false;
    void supervisor.complete(new AbortController().signal).then(() => {
      complete = true;
    });
    await clock.advance(100);
    expect(puppets.map(({ slot }) => slot)).toEqual([1, 2]);
    puppets[0]?.owner.heard({ kind: 'state', waitingFor: ['the routes'] });
    expect(supervisor.waitingFor()).toBe('a worker that serves');
    puppets[0]?.owner.heard({ kind: 'state', waitingFor: [] });
    await clock.advance(100);
    expect([complete, supervisor.waitingFor()]).toEqual([false, undefined]);
    serve();
    await clock.advance(100);
    expect(complete).toBe(true);
  });

  it('starts another for one that is killed, with the present keys', async () => {
    const { clock, puppets, serve } = supervised(2);
    await clock.advance(100);
    serve();
    puppets[1]?.owner.exited({ code: null, signal: 'SIGKILL' });
    await clock.advance(200);
    expect(puppets.map(({ slot }) => slot)).toEqual([1, 2, 2]);
    expect(keysOf(puppets[2]!)).toEqual(keysOf(puppets[0]!));
  });

  it('tells all the same keys, and new ones after an hour', async () => {
    const { clock, puppets, serve } = supervised(2);
    for (let minute = 0; minute < 61; minute++)
      for (let second = 0; second < 60; second += 20) {
        await clock.advance(20_000);
        serve();
      }
    expect(puppets.map(keysOf)).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('gives up where they cannot start', async () => {
    const { clock, puppets, supervisor } = supervised(2);
    const complete = supervisor.complete(new AbortController().signal).catch((error: Error) => error.message);
    await clock.advance(100);
    puppets[1]?.owner.exited({ code: 1, signal: null });
    await clock.advance(100);
    expect(await complete).toBe('worker 2 cannot start: it ended with code 1');
  });

  it('kills one that says nothing any more', async () => {
    const { clock, puppets, serve } = supervised(2);
    await clock.advance(100);
    serve();
    for (let second = 0; second < 40; second++) {
      await clock.advance(1_000);
      puppets[0]?.owner.heard({ kind: 'state', waitingFor: [] });
    }
    expect(puppets[0]?.signals).toEqual([]);
    expect(puppets[1]?.signals).toEqual(['SIGKILL']);
  });

  it('drains all together, starts none meanwhile, and kills what is left at the end of the time', async () => {
    const { clock, puppets, supervisor, serve } = supervised(3);
    await clock.advance(100);
    serve();
    let closed = false;
    const closing = supervisor.close().then(() => {
      closed = true;
    });
    await clock.advance(0);
    expect(puppets.map(({ told }) => told.at(-1)?.kind)).toEqual(['drain', 'drain', 'drain']);
    puppets[0]?.owner.exited({ code: 0, signal: null });
    puppets[1]?.owner.exited({ code: null, signal: 'SIGKILL' });
    await clock.advance(4_900);
    expect([closed, puppets.length, puppets[2]?.signals]).toEqual([false, 3, []]);
    await clock.advance(200);
    await closing;
    expect(puppets.map(({ signals }) => signals)).toEqual([[], [], ['SIGKILL']]);
  });

  it('has the metrics of all that tell them', async () => {
    const { clock, puppets, supervisor } = supervised(2);
    await clock.advance(100);
    const metrics = supervisor.metrics('# TYPE up gauge\nup 1\n');
    const question = puppets[1]?.told.find((message) => message.kind === 'tell metrics')?.question ?? 0;
    puppets[1]?.owner.heard({ kind: 'metrics', question, text: '# TYPE up gauge\nup 2\n' });
    await clock.advance(2_000);
    expect(await metrics).toBe('# TYPE up gauge\nup{worker="supervisor"} 1\nup{worker="2"} 2\n');
  });
});
