/** A proxy of four processes, and what tests ask of each of them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SUBJECTS } from '@spawner/bus';
import { eventually, request } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

export const SLOTS = [1, 2, 3, 4];

export const startFourWorkers = (env: Record<string, string> = {}) =>
  startProxyWorld({ SPAWNER_PROXY_WORKERS: '4', ...env });

/** The pid of the process that has this slot now, as the supervisor's log tells. */
export function pidOf({ proxy }: ProxyWorld, slot: number): number {
  const starts = proxy.lines.filter((line) => line.includes('"a worker was started"'));
  const pids = starts.map((line) => JSON.parse(line)).filter(({ worker }) => worker === slot);
  return pids.at(-1)?.pid ?? 0;
}

/** How much each worker says is open for this backend. */
export const openOf = (world: ProxyWorld, id: string) =>
  Promise.all(
    SLOTS.map(async (slot) => {
      const reply = await world.bus.ask(SUBJECTS.settle, `proxy-1-${slot}`, { id, epoch: 0 }, 10_000);
      return reply.activity?.open ?? Number.NaN;
    }),
  );

export const sum = (counts: readonly number[]) => counts.reduce((all, each) => all + each, 0);

/** The number of requests that each worker has forwarded. */
export async function forwarded({ adminPort }: ProxyWorld): Promise<number[]> {
  const { body } = await request({ port: adminPort, host: 'admin', path: '/metrics' });
  return SLOTS.map((slot) => {
    const of = new RegExp(
      `^spawner_proxy_requests_total\\{worker="${slot}",outcome="forwarded".* (\\d+)$`,
      'gm',
    );
    return sum([...body.matchAll(of)].map(([, count]) => Number(count)));
  });
}

/** A connection that sends a request when the test asks for it. */
export async function visitor(port: number, host: string) {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      text += bytes;
    });
  await once(socket, 'connect');
  return {
    socket,
    /** The status of the next answer, or that there is none. */
    ask: async (path = '/') => {
      text = '';
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const status = () => /^HTTP\/1\.1 (\d+) [\s\S]*\r\n\r\n/.exec(text)?.[1];
      return eventually(() => status() ?? (socket.closed ? 'closed' : false));
    },
  };
}

export const visitors = (count: number, port: number, host: string) =>
  Promise.all(Array.from({ length: count }, () => visitor(port, host)));
