import { startCluster } from '../cluster/cluster.ts';
import { startGateway } from './gateway.ts';
import { runPythonClient } from './python-client.ts';

const LIFE = ['SCHEDULED', 'LOADING', 'STARTING', 'WAITING', 'READY'];
const stepsOf = (lines: unknown) => [
  { step: 'health', status: 'SERVING' },
  { step: 'reflection', services: ['spawner.v1.BackendService', 'spawner.v1.FleetService'] },
  { step: 'drones', count: 1 },
  { step: 'bad spec', code: 'INVALID_ARGUMENT', fields: ['spec.env.A=B', 'spec.image', 'spec.port'] },
  {
    step: 'spawned',
    id: expect.stringMatching(/^[a-z2-7]{26}$/),
    url: expect.stringMatching(/^http:\/\/[a-z2-7]{26}\.spawner\.localhost:\d+\/$/),
    spawned: true,
  },
  { step: 'ready', states: LIFE },
  { step: 'logs', lines },
  { step: 'ended', states: ['TERMINATING', 'TERMINATED'], reason: 'REQUESTED' },
];

describe('a Python client with generated stubs', () => {
  it('finds, spawns, watches, reads and ends a backend, and gets the violations of a bad spec', async () => {
    await using gateway = await startGateway();
    const steps = await runPythonClient(`127.0.0.1:${gateway.grpcPort}`, 'test/web');
    expect(steps).toEqual(stepsOf(['hello', 'world']));
  });

  it('does the same with a whole cluster', async () => {
    await using cluster = await startCluster({ runtime: 'process' });
    const steps = await runPythonClient(cluster.grpcAddress, 'probe');
    expect(steps).toEqual(stepsOf([expect.stringContaining('probe listening')]));
  });
});
