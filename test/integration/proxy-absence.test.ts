import { setTimeout as pause } from 'node:timers/promises';
import { request, startUpstream, type Upstream } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

describe('a proxy that starts', () => {
  it('answers agents before it is registered, so that none of them takes its silence for use', async () => {
    await using world = await startProxyWorld();
    expect(world.early()).toMatchObject({ activity: { open: 0 }, held: 0, registration: 0, unused: true });
  });
});

describe('a proxy that stood still for a while', () => {
  let world: ProxyWorld;
  let upstream: Upstream;
  beforeAll(async () => {
    world = await startProxyWorld();
    upstream = await startUpstream();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  /** Requests that arrive before it continues, each on its own connection. */
  const askedWhileFrozen = async (hosts: readonly string[], forMs: number) => {
    const { port } = world;
    const answers = hosts.map((host) => request({ port, host, path: '/status/204' }));
    await pause(forMs);
    process.kill(world.proxy.pid, 'SIGCONT');
    return Promise.all(answers);
  };

  // The longer time is more than it waits for an answer of Redis.
  it.each([300, 9_000])(
    'serves what began meanwhile, and does not say that it is unknown (%i ms)',
    async (ms) => {
      const known = await world.backend(upstream);
      const hosts = [known.host];
      process.kill(world.proxy.pid, 'SIGSTOP');
      try {
        for (let number = 0; number < 20; number += 1) {
          const { id, host } = world.name();
          hosts.push(host);
          await world.ready(id, upstream.port);
        }
        const answers = await askedWhileFrozen(hosts, ms);
        expect(answers.map(({ status }) => status)).toEqual(Array(hosts.length).fill(204));
      } finally {
        process.kill(world.proxy.pid, 'SIGCONT');
      }
    },
  );

  it('says as ever that what does not exist is unknown', async () => {
    process.kill(world.proxy.pid, 'SIGSTOP');
    const answers = await askedWhileFrozen([world.name().host], 300);
    expect(answers.map(({ status }) => status)).toEqual([404]);
  });
});
