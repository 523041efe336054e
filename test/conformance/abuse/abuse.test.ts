/**
 * Abuse of one host does not slow the others down. Under an attack, and with the proxy's default limits, the 99th percentile
 * of another host's answers is at most twice as long as in quiet times.
 */
import { Agent, request } from 'node:http';
import { eventually, type Program, startProgram, startUpstream, type Upstream } from '@spawner/testkit';
import { percentile } from '../../bench/statistics.ts';
import { type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import { MIB, mostDuring, residentBytes } from '../streams/memory.ts';

const REQUESTS = 400;
/** Quiet and attacked rounds alternate this often, so that both meet the same load of the machine. */
const CYCLES = 3;
const ROUNDS = 2;
const MOST_FACTOR = 2;
/** A connection costs at most 16 KiB, and an attack has at most 10,000. */
const MOST_GROWTH = 160 * MIB;

interface Strength {
  open: number;
  perSecond: number;
}

/** The least that each attack has to reach, so that a weak attacker does not pass for a strong proxy. */
const ATTACKS: [kind: string, least: Strength][] = [
  ['slow heads', { open: 400, perSecond: 0 }],
  ['slow bodies', { open: 400, perSecond: 0 }],
  ['header bombs', { open: 0, perSecond: 50 }],
  ['a thousand connections a second', { open: 0, perSecond: 900 }],
  ['idle connections', { open: 10_000, perSecond: 0 }],
];

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

  beforeAll(async () => {
    world = await startProxyWorld({ SPAWNER_PROXY_FAST_PATH: fastPath });
    attacked = (await world.backend(upstream)).host;
    calm = (await world.backend(victimUpstream)).host;
    await rounds();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  async function rounds(): Promise<number[]> {
    const slowest: number[] = [];
    for (let round = 0; round < ROUNDS; round++) slowest.push(await slowestOfRound());
    return slowest;
  }

  /** The 99th percentile of sequential requests, in milliseconds; each of them must be answered with 200. */
  async function slowestOfRound(): Promise<number> {
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

  it.each(ATTACKS)('%s', async (kind, least) => {
    const [quiet, during]: [number[], number[]] = [[], []];
    const strengths: Strength[] = [];
    const before = await residentBytes(world.proxy.pid);
    const most = await mostDuring(world.proxy.pid, async () => {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        quiet.push(...(await rounds()));
        await using attacker = await attack(kind);
        during.push(...(await rounds()));
        await eventually(() => strengthsOf(attacker).length > 0);
        strengths.push(...strengthsOf(attacker));
      }
    });
    const [usual, attackedMs] = [percentile(quiet, 0.5), percentile(during, 0.5)];
    const growth = most - before;
    process.stdout.write(
      `fast path ${fastPath}, ${kind}: p99 ${attackedMs.toFixed(1)} ms, quiet ${usual.toFixed(1)} ms, grown by ${Math.round(growth / MIB)} MiB\n`,
    );
    expect(
      percentile(
        strengths.map(({ open }) => open),
        0.5,
      ),
    ).toBeGreaterThanOrEqual(least.open);
    expect(
      percentile(
        strengths.map(({ perSecond }) => perSecond),
        0.5,
      ),
    ).toBeGreaterThanOrEqual(least.perSecond);
    expect(attackedMs).toBeLessThanOrEqual(MOST_FACTOR * usual);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });
});

/** One report for each second. */
function strengthsOf({ lines }: Program): Strength[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Strength);
}
