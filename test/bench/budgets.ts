import type { Figures } from './benchmark.ts';

/** A bound of one figure. docs/benchmarks.md has the same table; budgets.test.ts holds the two together. */
export interface Budget {
  figure: string;
  most?: number;
  least?: number;
  /** A quick run does not measure it. */
  fullOnly?: boolean;
  /** The meaning of the figure, for people. */
  what: string;
}

const PLACEMENTS = ['10', '1000', '10000'].flatMap((drones): Budget[] => [
  {
    figure: `placements_per_s_${drones}_drones`,
    least: 3_000,
    what: `placements a second, ${drones} drones`,
  },
  {
    figure: `placement_p99_ms_${drones}_drones`,
    most: 5,
    what: `p99 of a placement in ms, ${drones} drones`,
  },
]);

const REQUESTS = ['request_128_b', 'request_128_b_a_browser_s_head', 'request_16_kib'];

const HERDS = [
  { size: 20, toDocker: 0.9, fullOnly: false },
  { size: 50, toDocker: 1.1, fullOnly: true },
].flatMap(({ size, toDocker, fullOnly }) => herd(size, toDocker).map((budget) => ({ ...budget, fullOnly })));

function herd(size: number, toDocker: number): Budget[] {
  return [
    { figure: `served_of_${size}`, least: size, what: `served of ${size} that came at once` },
    { figure: `refused_of_${size}`, most: 0, what: `answered 503, of ${size}` },
    { figure: `first_to_single_of_${size}`, most: 2, what: `first of ${size} ÷ a single spawn` },
    {
      figure: `out_of_order_of_${size}`,
      most: 0,
      what: `places out of the order of the calls, beyond the starts at once, of ${size}`,
    },
    {
      figure: `whole_to_docker_of_${size}`,
      most: toDocker,
      what: `all ${size} ÷ the bare API on Docker's default bridge, at its best concurrency`,
    },
    { figure: `session_p99_ms_of_${size}`, most: 250, what: `p99 in ms of a session in use beside ${size}` },
    {
      figure: `session_p99_to_docker_of_${size}`,
      most: 1,
      what: `the same ÷ beside ${size} of the bare API`,
    },
  ];
}

const CROWD_MEMORY = ['agent', 'proxy', 'scheduler'].map(
  (service): Budget => ({
    figure: `crowd_growth_mib_${service}`,
    most: 64,
    what: `MiB by which the ${service} grows with 200 at once`,
  }),
);

/** Every budget of every benchmark. */
export const BUDGETS: Readonly<Record<string, readonly Budget[]>> = {
  'control-plane': [
    {
      figure: 'redis_bytes_per_backend_of_1000',
      most: 2_048,
      what: 'bytes of Redis per idle backend, of 1,000',
    },
    {
      figure: 'redis_bytes_per_backend_of_10000',
      most: 2_048,
      what: 'bytes of Redis per idle backend, of 10,000',
    },
    { figure: 'timers_of_9900_backends', most: 0, what: 'timers of the scheduler for 9,900 more backends' },
    { figure: 'loop_p99_ms_with_10000', most: 20, what: "p99 of the scheduler's loop delay in ms, idle" },
    { figure: 'loop_p99_ms_spawning', most: 20, what: 'the same while backends are spawned' },
    { figure: 'loop_p99_ms_registering', most: 20, what: 'the same while every drone registers' },
    ...PLACEMENTS,
    { figure: 'placements_10000_to_10_drones', least: 0.9, what: 'placements with 10,000 drones ÷ with 10' },
  ],
  herd: [
    ...HERDS,
    { figure: 'crowd_lost', most: 0, what: 'of 200 at once, those that were not served' },
    { figure: 'crowd_not_ready', most: 0, what: 'of 200 at once, those that are not READY at the end' },
    {
      figure: 'crowd_cancelled_containers',
      most: 0,
      what: 'containers that were made for those that left the queue',
    },
    ...CROWD_MEMORY,
  ],
  'idle-websockets': [
    { figure: 'kib_each_fast_path_on', most: 45, what: 'KiB per idle WebSocket over TLS, raw transport' },
  ],
  proxy: [
    ...REQUESTS.map(
      (work): Budget => ({ figure: `${work}_proxy_to_nginx`, most: 1.5, what: `${work} ÷ nginx` }),
    ),
    ...REQUESTS.map(
      (work): Budget => ({ figure: `${work}_proxy_to_caddy`, most: 0.5, what: `${work} ÷ Caddy` }),
    ),
    {
      figure: 'websocket_echo_64_b_proxy_to_haproxy',
      most: 1.5,
      what: 'WebSocket message of 64 B ÷ HAProxy',
    },
    {
      figure: 'websocket_echo_4_kib_proxy_to_haproxy',
      most: 1.5,
      what: 'WebSocket message of 4 KiB ÷ HAProxy',
    },
    { figure: 'tls_handshake_p_256_proxy_to_nginx', most: 1.3, what: 'TLS handshake ÷ nginx' },
    { figure: 'routes_10000_to_1', most: 1.1, what: 'a request with 10,000 routes ÷ with 1' },
    { figure: 'routes_100000_to_1', most: 1.1, what: 'a request with 100,000 routes ÷ with 1' },
  ],
  routes: [
    { figure: 'p99_ms_at_50', most: 20, what: 'p99 in ms from READY to the backend, 50 changes a second' },
  ],
  spawn: [
    {
      figure: 'to_default_bridge',
      most: 0.7,
      what: "cold spawn with a sandbox ready ÷ the bare API on Docker's default bridge",
    },
    {
      figure: 'without_sandbox_to_own_network',
      most: 1.05,
      what: 'cold spawn without sandboxes ÷ the bare API on a network of its own',
    },
  ],
};

/**
 * The budgets of a comparison with another checkout, for the works that were measured. 5 % is what two runs of one program
 * differ by on a quiet machine. A second `up` has a goal instead: half the time of one that keeps no compiled programs.
 */
export function budgetsAgainst(figures: Figures): Budget[] {
  return Object.keys(figures).flatMap((figure): Budget[] => {
    if (figure === 'ready_to_other') return [{ figure, most: 0.5, what: 'a second `up` ÷ the older one' }];
    if (!/_proxy_to_other_(?:user|all)$/.test(figure)) return [];
    return [{ figure, most: 1.05, what: 'ours ÷ the other checkout' }];
  });
}

/** The part of a benchmark that ran: all of it, a quick run, or some of the works, whose budgets without a figure are left out. */
export type Extent = 'all' | 'quick' | 'some';

/** One sentence for each figure that is not a number and for each budget that is missed or was not measured. */
export function complaints(budgets: readonly Budget[], figures: Figures, extent: Extent = 'all'): string[] {
  const broken = Object.entries(figures)
    .filter(([, value]) => typeof value === 'number' && !Number.isFinite(value))
    .map(([figure]) => `${figure} is not a number`);
  const missed = budgets.flatMap(({ figure, most, least, fullOnly, what }) => {
    const value = figures[figure];
    const left = extent === 'some' || (extent === 'quick' && fullOnly);
    if (value === undefined) return left ? [] : [`${figure} was not measured (${what})`];
    if (typeof value !== 'number') return [`${figure} is not a number: ${value}`];
    if (most !== undefined && value > most)
      return [`${figure} is ${value}, budget at most ${most} (${what})`];
    if (least !== undefined && value < least)
      return [`${figure} is ${value}, budget at least ${least} (${what})`];
    return [];
  });
  return [...broken, ...missed];
}

/** The rows of the table in docs/benchmarks.md. */
export function budgetRows(): string[] {
  return Object.entries(BUDGETS).flatMap(([bench, budgets]) =>
    budgets.map(
      ({ figure, most, least, what }) =>
        `| ${bench} | \`${figure}\` | ${what} | ${most === undefined ? `≥ ${least}` : `≤ ${most}`} |`,
    ),
  );
}
