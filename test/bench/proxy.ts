/**
 * Processor time of the proxy and its peers per request, message and handshake, with the p99 latency beside it. All targets are
 * measured in one run: equal warm-ups, then rounds whose order rotates. Ours is the real program as its image starts it, one
 * process on the raw transport and one without. Backend and load are separate processes. With `against`, the proxy of another
 * checkout runs in the same rounds.
 */
import { freePort, makeAuthority, startProgram } from '@spawner/testkit';
import { DOMAIN } from '../integration/proxy-fixture.ts';
import type { Figures, Options } from './benchmark.ts';
import { BUDGETS } from './budgets.ts';
import { Costs, figureName } from './proxy/costs.ts';
import { startPeers } from './proxy/peers.ts';
import { fillRoutes } from './proxy/routes.ts';
import { OwnProxies, type OwnTarget, type Target } from './proxy/targets.ts';
import { SHORT_REQUEST, WORKS, type Work } from './proxy/works.ts';
import { rotated, rounded } from './statistics.ts';

const OURS = 'proxy';
const OTHER = 'other';
const MANY_ROUTES = [10_000, 100_000];
/** Peers that budgets name. A quick run has those whose budget it judges, and not our general path. */
const YARDSTICKS = ['nginx', 'HAProxy', 'Caddy'];

export async function bench({ quick, against, work: only = '' }: Options): Promise<Figures> {
  const [rounds, seconds] = quick ? [3, 1] : [5, 2];
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority('bench root'));
  const certificate = await authority.issue([`*.${DOMAIN}`]);
  const backendPort = await freePort();
  const file = new URL('./proxy/upstream.ts', import.meta.url).pathname;
  const ready = (line: string) => line === 'ready';
  stack.use(await startProgram({ command: process.execPath, args: [file, String(backendPort)], ready }));
  const { peers } = stack.use(await startPeers(backendPort, certificate));
  const proxies = await OwnProxies.open(authority, certificate, backendPort, stack);
  const ours = await proxies.start(OURS);
  const targets: Target[] = [
    ...peers
      .filter(({ name }) => !quick || YARDSTICKS.includes(name))
      .map((peer) => ({ ...peer, host: `a.${DOMAIN}` })),
    ours,
    ...(quick ? [] : [await proxies.start('proxy, general path', { fastPath: 'off' })]),
    ...(against === undefined ? [] : [await proxies.start(OTHER, { tree: against })]),
  ];
  const works = WORKS.filter(({ name }) => name.includes(only));

  const costs = new Costs();
  const warmUp = new Costs();
  const of = (work: Work) => (quick ? targets.filter(({ name }) => isJudged(work, name)) : targets);
  for (const work of works) for (const target of of(work)) await warmUp.measure(work, target, seconds);
  for (let round = 0; round < rounds; round++)
    for (const work of works)
      for (const target of rotated(of(work), round)) await costs.measure(work, target, seconds);

  const figures: Record<string, number | string> = { rounds, seconds };
  for (const work of works) Object.assign(figures, tabulate(work, of(work), costs));
  if (only === '') Object.assign(figures, await withManyRoutes(ours, proxies, rounds, seconds));
  return figures;
}

/** Whether the target is ours, or a peer that a budget names for this work. */
function isJudged(work: Work, name: string): boolean {
  if (!YARDSTICKS.includes(name)) return true;
  return BUDGETS.proxy?.some(({ figure }) => figure === figureName(work.name, OURS, 'to', name)) ?? false;
}

/** Prints the table of one work and returns its figures. Ratios are medians over rounds, because a machine's speed drifts. */
function tabulate(work: Work, targets: readonly Target[], costs: Costs): Record<string, number> {
  const figures: Record<string, number> = {};
  const named = (name: string) => targets.find((each) => each.name === name);
  const ratio = (target: Target, name: string, part: 'user' | 'all' = 'all') => {
    const other = named(name);
    return other ? rounded(costs.ratio(work, target, other, part), 3) : Number.NaN;
  };
  console.log(`\n${work.name}`);
  const rows = targets.map((target) => {
    const { user, system, all, p99Ms } = costs.of(work, target);
    for (const [part, value] of Object.entries({ user, system, all }))
      figures[figureName(work.name, target.name, part, 'us')] = rounded(value, 2);
    return [
      target.name,
      {
        'user µs': rounded(user, 2),
        'system µs': rounded(system, 2),
        'all µs': rounded(all, 2),
        'rounds from–to': costs.spread(work, target),
        [`× ${work.by}`]: ratio(target, work.by),
        'p99 ms': p99Ms === undefined ? '' : rounded(p99Ms, 2),
      },
    ] as const;
  });
  console.table(Object.fromEntries(rows));
  const ours = named(OURS);
  if (!ours) return figures;
  for (const peer of YARDSTICKS.filter(named))
    figures[figureName(work.name, OURS, 'to', peer)] = ratio(ours, peer);
  if (!named(OTHER)) return figures;
  for (const part of ['user', 'all'] as const) {
    const value = ratio(ours, OTHER, part);
    figures[figureName(work.name, OURS, 'to', OTHER, part)] = value;
    console.log(`ours ÷ the other checkout, ${part} code: ${value}`);
  }
  return figures;
}

/** The short request with one route and with many, in rounds of all three. Each table has a proxy of its own. */
async function withManyRoutes(
  ours: OwnTarget,
  proxies: OwnProxies,
  rounds: number,
  seconds: number,
): Promise<Record<string, number>> {
  const targets = [{ ...ours, name: '1 route' }];
  for (const count of MANY_ROUTES) {
    const target = await proxies.start(`${count} routes`);
    await fillRoutes(target.redisUrl, target.adminPort, count);
    targets.push(target);
  }
  const [costs, warmUp] = [new Costs(), new Costs()];
  for (const target of targets) await warmUp.measure(SHORT_REQUEST, target, 2 * seconds);
  for (let round = 0; round < 2 * rounds; round++)
    for (const target of rotated(targets, round)) await costs.measure(SHORT_REQUEST, target, seconds);
  const ratioToOne = (target: Target) => rounded(costs.ratio(SHORT_REQUEST, target, targets[0]!, 'all'), 3);
  console.log(`\n${SHORT_REQUEST.name}, by the number of routes`);
  console.table(
    Object.fromEntries(
      targets.map((target) => [
        target.name,
        { 'all µs': rounded(costs.of(SHORT_REQUEST, target).all, 2), '× 1 route': ratioToOne(target) },
      ]),
    ),
  );
  return Object.fromEntries(
    MANY_ROUTES.map((count, index) => [`routes_${count}_to_1`, ratioToOne(targets[index + 1]!)]),
  );
}
