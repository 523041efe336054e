import { placeOf } from '../claim/place.ts';
import {
  addressesOf,
  adminHost,
  childEnvironment,
  clusterOf,
  constellationOf,
  reachableHost,
} from './environment.ts';
import { choosePorts, type Ports } from './ports.ts';
import { SERVICES, STOP_ORDER, serviceVariables } from './services.ts';

const place = placeOf('/home/somebody/spawner');
const found = {
  redisUrl: 'redis://127.0.0.1:1',
  natsUrl: 'nats://127.0.0.1:2',
  runtime: { kind: 'docker', socket: '/run/docker.sock' },
} as const;
let ports: Ports;
beforeAll(async () => {
  ({ ports } = await choosePorts({}, async () => true));
});

describe('the environment of a service', () => {
  it('has the shared variables, and only its own ports', () => {
    for (const service of SERVICES) {
      const variables = serviceVariables(service, constellationOf(place, {}, ports, found), ports);
      expect(variables).toMatchObject({
        SPAWNER_REDIS_URL: 'redis://127.0.0.1:1',
        SPAWNER_NATS_URL: 'nats://127.0.0.1:2',
        [`SPAWNER_${service.toUpperCase()}_ADMIN_PORT`]: String(9101 + ORDER.indexOf(service)),
      });
      const others = SERVICES.filter((name) => name !== service).map(
        (name) => `SPAWNER_${name.toUpperCase()}_`,
      );
      const foreign = Object.keys(variables).filter((name) =>
        others.some((prefix) => name.startsWith(prefix)),
      );
      expect(foreign).toEqual(service === 'scheduler' ? [] : ['SPAWNER_SCHEDULER_ADDRESS']);
    }
  });

  it('takes an empty Redis for a new cluster’s only where that Redis was started with it', () => {
    const told = (env: Record<string, string>) =>
      serviceVariables('scheduler', constellationOf(place, env, ports, found), ports);
    expect(told({}).SPAWNER_SCHEDULER_EMPTY_STORE).toBe('new');
    expect(told({ SPAWNER_REDIS_URL: 'redis://elsewhere' })).not.toHaveProperty(
      'SPAWNER_SCHEDULER_EMPTY_STORE',
    );
  });

  it('makes the proxy the drone’s own', () => {
    const constellation = constellationOf(place, { SPAWNER_AGENT_DRONE_ID: 'here' }, ports, found);
    expect(serviceVariables('agent', constellation, ports).SPAWNER_AGENT_DRONE_ID).toBe('here');
    expect(serviceVariables('proxy', constellation, ports).SPAWNER_PROXY_DRONE_ID).toBe('here');
  });

  it('has URLs of the proxy’s port in the gateway', () => {
    const moved = { ...ports, SPAWNER_PROXY_HTTP_PORT: 1234 };
    const constellation = constellationOf(place, {}, moved, found);
    expect(serviceVariables('gateway', constellation, moved).SPAWNER_GATEWAY_URL_PORT).toBe('1234');
  });

  it('names the programs’ folder instead of a socket without Docker', () => {
    const runtime = { kind: 'process', programs: '/programs' } as const;
    const constellation = constellationOf(place, {}, ports, { ...found, runtime });
    const variables = serviceVariables('agent', constellation, ports);
    expect(variables).toMatchObject({
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_PROGRAMS_DIR: '/programs',
    });
    expect(Object.values(variables)).not.toContain('/run/docker.sock');
  });

  it('gives way to the variables of the user, except for the runtime, which is decided', () => {
    const ours = {
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_ADMIN_PORT: '9103',
      SPAWNER_LOG_LEVEL: 'info',
    };
    const env = {
      SPAWNER_AGENT_RUNTIME: 'auto',
      SPAWNER_LOG_LEVEL: 'debug',
      SPAWNER_REGION: '',
      PATH: '/bin',
    };
    expect(childEnvironment(ours, env)).toEqual({
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_ADMIN_PORT: '9103',
      SPAWNER_AGENT_DRAIN_MS: '3000',
      SPAWNER_LOG_LEVEL: 'debug',
      PATH: '/bin',
    });
  });
});

const ORDER = ['gateway', 'scheduler', 'agent', 'proxy', 'dns', 'certificates'];

describe('the setting', () => {
  it('is a cluster of its own per checkout unless it is named', () => {
    expect(clusterOf(place, {})).toMatch(/^local-[0-9a-f]{8}$/);
    expect(clusterOf(place, {})).not.toBe(clusterOf(placeOf('/home/another/spawner'), {}));
    expect(clusterOf(place, { SPAWNER_CLUSTER: 'mine' })).toBe('mine');
  });

  it('asks admin ports at their own address', () => {
    expect(adminHost('127.0.0.1', {})).toBe('127.0.0.1');
    expect(adminHost('10.0.0.5', { SPAWNER_ADMIN_BIND_ADDRESS: '127.0.0.3' })).toBe('127.0.0.3');
    expect(adminHost('127.0.0.1', { SPAWNER_ADMIN_BIND_ADDRESS: '0.0.0.0' })).toBe('127.0.0.1');
  });

  it('has the reachable host of a listener on all addresses or on an IPv6 address', () => {
    expect(['0.0.0.0', '::', '10.0.0.7', 'fd00::7'].map(reachableHost)).toEqual([
      '127.0.0.1',
      '127.0.0.1',
      '10.0.0.7',
      '[fd00::7]',
    ]);
    expect(addressesOf('0.0.0.0', ports).api).toBe('http://127.0.0.1:8080');
  });

  it('stops every service once, the agent last', () => {
    expect(STOP_ORDER.toSorted()).toEqual(SERVICES.toSorted());
    expect(STOP_ORDER.at(-1)).toBe('agent');
  });
});
