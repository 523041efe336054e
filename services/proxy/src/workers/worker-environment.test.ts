import { readConfig } from '../config.ts';
import { workerEnvironment } from './worker-environment.ts';

const configOf = (env: Record<string, string>) => readConfig({ SPAWNER_PROXY_ID: 'edge', ...env });

/** The configuration of each worker, from its variables over those of its supervisor. */
function workersOf(env: Record<string, string>) {
  const config = configOf(env);
  return Array.from({ length: config.workers }, (_, at) =>
    configOf({ ...env, ...workerEnvironment(config, at + 1, ['192.0.2.7', '2001:db8::7']) }),
  );
}

describe("a worker's environment", () => {
  it('makes a single proxy of it, with a name of its own and the addresses of the whole', () => {
    const [first, second] = workersOf({
      SPAWNER_PROXY_WORKERS: '2',
      SPAWNER_PROXY_PUBLIC_ADDRESS_API: 'http://localhost/',
    });
    expect([first?.workers, first?.id, second?.id]).toEqual([1, 'edge-1', 'edge-2']);
    expect(first?.publicAddresses).toEqual(['192.0.2.7', '2001:db8::7']);
    expect(first?.publicAddressApi).toBeUndefined();
  });

  it('leaves the question for the address to a worker if it has no answer yet', () => {
    const env = { SPAWNER_PROXY_WORKERS: '2', SPAWNER_PROXY_PUBLIC_ADDRESS_API: 'http://localhost/' };
    const worker = configOf({ ...env, ...workerEnvironment(configOf(env), 1, undefined) });
    expect([worker.publicAddresses, worker.publicAddressApi]).toEqual([[], 'http://localhost/']);
  });

  it('gives each its share of every limit, which add up to the whole', () => {
    const env = {
      SPAWNER_PROXY_WORKERS: '4',
      SPAWNER_PROXY_HELD_PER_BACKEND: '6',
      SPAWNER_PROXY_HELD_TOTAL: '41',
      SPAWNER_PROXY_OPEN_PER_BACKEND: '4',
      SPAWNER_PROXY_CONNECTIONS_PER_HOST: '103',
      SPAWNER_PROXY_REQUESTS_PER_SECOND_PER_HOST: '7',
      SPAWNER_PROXY_CONNECTIONS_PER_ADDRESS: '9',
    };
    const workers = workersOf(env);
    const total = (of: (worker: ReturnType<typeof configOf>) => number) =>
      workers.reduce((sum, worker) => sum + of(worker), 0);
    expect(total((worker) => worker.heldPerBackend)).toBe(6);
    expect(total((worker) => worker.heldTotal)).toBe(41);
    expect(total((worker) => worker.openPerBackend)).toBe(4);
    expect(total((worker) => worker.connectionsPerHost)).toBe(103);
    expect(total((worker) => worker.requestsPerSecondPerHost)).toBe(7);
    expect(total((worker) => worker.connectionsPerAddress)).toBe(9);
    expect(Math.min(...workers.map((worker) => worker.requestsPerSecondPerHost))).toBe(1);
  });

  it('keeps its state in a directory of its own, and its name there where none was given', () => {
    const config = readConfig({ SPAWNER_PROXY_WORKERS: '2', SPAWNER_PROXY_STATE_DIR: '/state' });
    const second = workerEnvironment(config, 2, []);
    expect(second).toMatchObject({ SPAWNER_PROXY_STATE_DIR: '/state/worker-2' });
    expect(second).not.toHaveProperty('SPAWNER_PROXY_ID');
    expect(workersOf({ SPAWNER_PROXY_WORKERS: '2' })[1]?.stateDir).toBe('');
  });

  it('leaves no limit where there is none', () => {
    const [worker] = workersOf({ SPAWNER_PROXY_WORKERS: '2', SPAWNER_PROXY_CONNECTIONS_PER_HOST: '0' });
    expect(worker?.connectionsPerHost).toBe(0);
  });

  it('drains before its supervisor has to end', () => {
    const [worker] = workersOf({ SPAWNER_PROXY_WORKERS: '2', SPAWNER_PROXY_DRAIN_MS: '8000' });
    expect(worker?.drainMs).toBe(7_500);
  });
});
