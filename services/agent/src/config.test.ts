import { availableParallelism } from 'node:os';
import { readConfig } from './config.ts';

describe("the agent's configuration", () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      region: 'local',
      port: 50_053,
      adminPort: 9_103,
      runtime: 'auto',
      startsAtOnce: Math.max(2, availableParallelism()),
      maxBackends: 1_000,
      sandboxes: { resting: Math.min(48, 12 * availableParallelism()), cpuPercent: 25 },
      docker: { socketPath: '/var/run/docker.sock', network: 'spawner-local', subnet: '' },
    });
  });

  it('names the network after the cluster', () => {
    expect(readConfig({ SPAWNER_CLUSTER: 'blue' }).docker.network).toBe('spawner-blue');
  });

  it('reports every problem at once', () => {
    const env = {
      SPAWNER_AGENT_DRONE_ID: 'Not An Id',
      SPAWNER_AGENT_ADVERTISE_ADDRESS: 'here',
      SPAWNER_AGENT_DOCKER_SUBNET: '10.0.0.1/16',
      SPAWNER_AGENT_PUBLISH_ADDRESS: 'everywhere',
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_STARTS_AT_ONCE: '0',
      SPAWNER_AGENT_SANDBOXES: '-1',
      SPAWNER_AGENT_SANDBOXES_CPU_PERCENT: '0',
      SPAWNER_AGENT_MAX_BACKENDS: '0',
    };
    for (const name of Object.keys(env).filter((name) => !name.endsWith('RUNTIME')))
      expect(() => readConfig(env)).toThrow(name);
    expect(() => readConfig(env)).toThrow('SPAWNER_AGENT_PROGRAMS_DIR is required');
  });

  it.each([
    ['10.0.0.7', true],
    ['fd00::7', true],
    ['0.0.0.0', false],
    ['::', false],
    ['0:0:0:0:0:0:0:0', false],
  ])('accepts %s as the publish address: %s', (address, taken) => {
    const read = () => readConfig({ SPAWNER_AGENT_PUBLISH_ADDRESS: address });
    if (taken) expect(read().docker.publishAddress).toBe(address);
    else expect(read).toThrow('SPAWNER_AGENT_PUBLISH_ADDRESS');
  });
});
