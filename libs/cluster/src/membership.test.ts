import { systemClock } from '@spawner/domain';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { RenewVerdict, SchedulerServiceService, StopOrder } from '@spawner/proto/internal/scheduler_service';
import { type Handlers, implement, type RpcServer, serveRpc } from '@spawner/rpc';
import { createLog, type Log } from '@spawner/service';
import { eventually, freePort } from '@spawner/testkit';
import { Membership, schedulerAt } from './membership.ts';

const silent = createLog('test', 'silent');
const node = Node.fromPartial({ kind: NodeKind.DNS, id: 'a' });

type Registering = Handlers<typeof SchedulerServiceService>['registerNode'];
const registered: Registering = async () => ({ registration: 5, stops: [], proxies: undefined, ended: [] });

function scheduler(
  port: number,
  stops: StopOrder[] = [],
  registerNode: Registering = registered,
): Promise<RpcServer> {
  const granted = { verdict: RenewVerdict.GRANTED, stops, proxies: undefined, ended: [] };
  const handlers: Partial<Handlers<typeof SchedulerServiceService>> = {
    registerNode,
    renewNode: async () => granted,
  };
  const missing = async () => {
    throw new Error('not asked for in this test');
  };
  const methods = Object.keys(SchedulerServiceService).map((name) => [name, missing]);
  const service = implement(SchedulerServiceService, { ...Object.fromEntries(methods), ...handlers });
  return serveRpc({ address: '127.0.0.1', port, log: silent, services: [service] });
}

describe('a membership', () => {
  it('says once that the scheduler is away, by its text alone, and once that it is back', async () => {
    const lines: [string, Record<string, unknown>][] = [];
    const write = (fields: Record<string, unknown>, text: string) => void lines.push([text, fields]);
    const log = { warn: write, info: write } as unknown as Log;
    const pauses: number[] = [];
    // Pauses are short here, so that it tries often.
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        pauses.push(ms);
        return systemClock.sleep(20, signal);
      },
    };
    const port = await freePort();
    const membership = new Membership(schedulerAt(`127.0.0.1:${port}`), { node }, clock, log);
    const stop = new AbortController();
    const running = membership.run(stop.signal);
    await eventually(() => pauses.length > 5);
    expect(pauses.slice(0, 5)).toEqual([125, 250, 500, 500, 500]);
    expect(lines.map(([text]) => text)).toEqual(['the scheduler does not answer']);
    expect(lines[0]?.[1]).toEqual({ reason: expect.stringContaining('ECONNREFUSED') });
    const server = await scheduler(port);
    await eventually(() => lines.length === 3);
    expect(lines.map(([text]) => text).slice(1)).toEqual(['registered', 'the scheduler answers again']);
    stop.abort();
    await running;
    membership.close();
    await server.close();
  });

  it('numbers the registrations of a drone upwards, from the wall, and beyond the one that overtook it', async () => {
    const ahead = Date.now() + 3_600_000;
    const sent: number[] = [];
    const server = await scheduler(0, [], async ({ sequence = 0 }) => {
      sent.push(sequence);
      return sequence > ahead
        ? { registration: 5, stops: [], proxies: undefined, ended: [] }
        : { registration: 0, stops: [], proxies: undefined, ended: [], overtakenBy: ahead };
    });
    const member = { node, inventory: () => [] };
    const membership = new Membership(schedulerAt(`127.0.0.1:${server.port}`), member, systemClock, silent);
    const stop = new AbortController();
    const began = Date.now();
    const running = membership.run(stop.signal);
    await eventually(() => membership.registration === 5);
    expect(sent).toEqual([expect.any(Number), ahead + 1]);
    expect(sent[0]).toBeGreaterThanOrEqual(began);
    stop.abort();
    await running;
    membership.close();
    await server.close();
  });

  it('hears what to stop before it hears that its reports have arrived', async () => {
    const order = StopOrder.fromPartial({ id: 'b' });
    const report = BackendStatus.fromPartial({ id: 'b', revision: 1 });
    const heard: unknown[] = [];
    const member = {
      node,
      changed: () => [report],
      stop: (orders: readonly StopOrder[]) => void heard.push(...orders),
      acknowledged: (reports: readonly BackendStatus[]) => void heard.push(...reports),
    };
    const server = await scheduler(0, [order]);
    const membership = new Membership(schedulerAt(`127.0.0.1:${server.port}`), member, systemClock, silent);
    const stop = new AbortController();
    const running = membership.run(stop.signal);
    membership.kick();
    await eventually(() => heard.length >= 2);
    expect(heard.slice(0, 2)).toEqual([order, report]);
    stop.abort();
    await running;
    membership.close();
    await server.close();
  });
});
