/** What is done to one host leaves the others alone: their slowest answers stay about as quick as in quiet times. */
import { Agent, request } from 'node:http';
import { type Program, startProgram, startUpstream, type Upstream } from '@spawner/testkit';
import { percentile } from '../../bench/statistics.ts';
import { type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import { MIB, mostDuring, residentBytes } from '../streams/memory.ts';

const REQUESTS = 400;
const ROUNDS = 4;
/** Below this, times say more of the machine than of the proxy. */
const FLOOR_MS = 10;
const MOST_GROWTH = 160 * MIB;

let upstream: Upstream;
let victimUpstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
  victimUpstream = await startUpstream();
});
afterAll(async () => {
  await upstream?.stop();
  await victimUpstream?.stop();
});

describe.each(['on', 'off'])('with the fast path %s, other hosts hardly notice', (fastPath) => {
  let world: ProxyWorld;
  let attacked: string;
  let calm: string;
  let quiet: number;

  beforeAll(async () => {
    world = await startProxyWorld({
      SPAWNER_PROXY_FAST_PATH: fastPath,
      SPAWNER_PROXY_CONNECTIONS_PER_ADDRESS: '200',
      SPAWNER_PROXY_CONNECTIONS_PER_HOST: '500',
      SPAWNER_PROXY_REQUESTS_PER_SECOND_PER_HOST: '10000',
      SPAWNER_PROXY_HEAD_TIMEOUT_MS: '3000',
      SPAWNER_PROXY_BODY_TIMEOUT_MS: '3000',
    });
    attacked = (await world.backend(upstream)).host;
    calm = (await world.backend(victimUpstream)).host;
    quiet = await least(ROUNDS);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** What else the machine does only makes it slower: the best of several rounds is what the proxy does. */
  async function least(rounds: number): Promise<number> {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) best = Math.min(best, await slowest());
    return best;
  }

  /** 99th percentile of requests one after the other, in milliseconds; every one of them is answered 200. */
  async function slowest(): Promise<number> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const times: number[] = [];
    for (let n = 0; n < REQUESTS; n++) {
      const before = performance.now();
      expect(await status(agent)).toBe(200);
      times.push(performance.now() - before);
    }
    agent.destroy();
    return percentile(times, 0.99);
  }

  function status(agent: Agent): Promise<number> {
    const options = {
      host: '127.0.0.1',
      port: world.port,
      localAddress: '127.0.0.2',
      agent,
      headers: { host: calm },
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(options, (answer) => {
        answer.once('end', () => resolve(answer.statusCode ?? 0)).resume();
      });
      outgoing.once('error', reject).end();
    });
  }

  function attack(kind: string): Promise<Program> {
    return startProgram({
      command: process.execPath,
      args: ['test/conformance/abuse/attacker.ts', kind, String(world.port), attacked],
      ready: (line) => line === 'under way',
      readyTimeoutMs: 60_000,
    });
  }

  it.each([
    ['slow heads', 0],
    ['slow bodies', 0],
    ['header bombs', 0],
    ['a thousand connections a second', 0],
    ['idle connections', 10_000],
  ])('%s', async (kind, connections) => {
    let during = Number.NaN;
    let after = Number.NaN;
    const before = await residentBytes(world.proxy.pid);
    const most = await mostDuring(world.proxy.pid, async () => {
      const attacker = await attack(kind);
      try {
        during = await least(ROUNDS);
        if (connections > 0) expect(attacker.output()).toContain(`${connections} connections`);
      } finally {
        await attacker.kill();
      }
      after = await least(ROUNDS);
    });
    expect(during).toBeLessThan(Math.max(FLOOR_MS, 2 * Math.max(quiet, after)));
    expect(most - before).toBeLessThan(MOST_GROWTH);
  });
});
