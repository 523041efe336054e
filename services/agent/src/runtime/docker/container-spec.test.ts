import { BackendSpec } from '@spawner/proto/v1/backend';
import { canJoin, containerOptions, endpointsOf, holderOf, imageReference } from './container-spec.ts';
import { sampleOf } from './container-stats.ts';

const home = { cluster: 'c', droneId: 'd', network: 'spawner-c', engineRuntime: '', publishAddress: '' };

describe('a container', () => {
  it('has its port and id in its environment, whatever the spec has', () => {
    const spec = BackendSpec.fromPartial({ image: 'a', env: { PORT: '1', A: 'b=c' }, port: 9_000 });
    const options = containerOptions(home, { id: 'x1', placement: 5, spec }, { address: '10.0.0.9' });
    expect(options.Env).toEqual(['TINI_KILL_PROCESS_GROUP=1', 'PORT=9000', 'A=b=c', 'SPAWNER_BACKEND_ID=x1']);
    expect(options.NetworkingConfig?.EndpointsConfig['spawner-c']?.IPAMConfig.IPv4Address).toBe('10.0.0.9');
    expect(options.HostConfig.PortBindings).toBeUndefined();
  });

  it('is limited by its spec, cannot gain privileges, and has logs of a bounded size', () => {
    const resources = { cpuMillis: 500, memoryBytes: 64_000_000, pids: 50 };
    const spec = BackendSpec.fromPartial({ image: 'a', resources });
    const { HostConfig } = containerOptions(
      { ...home, engineRuntime: 'runsc' },
      { id: 'x1', placement: 5, spec },
      { address: '10.0.0.9' },
    );
    expect(HostConfig).toEqual({
      NetworkMode: 'spawner-c',
      PortBindings: undefined,
      Init: true,
      NanoCpus: 500_000_000,
      Memory: 64_000_000,
      MemorySwap: 64_000_000,
      PidsLimit: 50,
      SecurityOpt: ['no-new-privileges'],
      Runtime: 'runsc',
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    });
  });

  it('has its key and fence in its environment, whatever the spec has', () => {
    const spec = BackendSpec.fromPartial({ image: 'a', env: { SPAWNER_FENCE: '9', SPAWNER_KEY: 'no' } });
    const key = { namespace: '', name: 'a=b\nPATH=/x 🙂', tag: 't' };
    const envOf = (namespace: string) =>
      containerOptions(
        home,
        { id: 'x1', placement: 5, spec, key: { ...key, namespace } },
        { address: '10.0.0.9' },
      ).Env;
    expect(envOf('')).toEqual([
      'TINI_KILL_PROCESS_GROUP=1',
      'SPAWNER_FENCE=5',
      `SPAWNER_KEY=${key.name}`,
      'PORT=8080',
      'SPAWNER_BACKEND_ID=x1',
    ]);
    expect(envOf('rooms')).toContain('SPAWNER_KEY_NAMESPACE=rooms');
  });

  it("keeps Spawner's own labels, whatever labels the user sets", () => {
    const spec = BackendSpec.fromPartial({
      image: 'a',
      labels: { backend: 'evil', 'dev.spawner.drone': 'evil' },
    });
    const { Labels } = containerOptions(home, { id: 'x1', placement: 5, spec }, { address: '10.0.0.9' });
    expect(Labels).toMatchObject({ 'dev.spawner.backend': 'x1', 'dev.spawner.drone': 'd' });
    expect(Labels['dev.spawner.label.backend']).toBe('evil');
  });

  it('is published on a free port only if an address is configured', () => {
    const program = { id: 'x1', placement: 5, spec: BackendSpec.fromPartial({ image: 'a' }) };
    const options = containerOptions({ ...home, publishAddress: '192.0.2.1' }, program, {
      address: '10.0.0.9',
    });
    expect(options.HostConfig.PortBindings).toEqual({ '8080/tcp': [{ HostIp: '192.0.2.1', HostPort: '' }] });
  });

  it('has neither a port nor an address in a sandbox, because the engine would refuse them', () => {
    const program = { id: 'x1', placement: 5, spec: BackendSpec.fromPartial({ image: 'a' }) };
    const options = containerOptions(home, program, { address: '10.0.0.9', holder: 'h1' });
    expect(options.HostConfig).toMatchObject({ NetworkMode: 'container:h1' });
    expect(options.HostConfig).not.toHaveProperty('PortBindings');
    expect(options).not.toHaveProperty('ExposedPorts');
    expect(options).not.toHaveProperty('NetworkingConfig');
    expect([holderOf('container:h1'), holderOf('spawner-c'), holderOf(undefined)]).toEqual([
      'h1',
      undefined,
      undefined,
    ]);
  });

  it('cannot join a sandbox if its published port is unusual or another container runtime runs it', () => {
    const published = { ...home, publishAddress: '192.0.2.1' };
    expect([canJoin(home, {}), canJoin(home, { port: 9_000 })]).toEqual([true, true]);
    expect([canJoin(published, {}), canJoin(published, { port: 9_000 })]).toEqual([true, false]);
    expect(canJoin({ ...home, engineRuntime: 'runsc' }, {})).toBe(false);
  });

  it('has the endpoints of its inspection', () => {
    const inspected = {
      Config: { Labels: { 'dev.spawner.port': '9000' } },
      NetworkSettings: {
        Ports: { '9000/tcp': [{ HostIp: '192.0.2.1', HostPort: '32768' }], '1/tcp': null },
        Networks: { 'spawner-c': { IPAddress: '10.0.0.9' }, other: { IPAddress: '10.9.9.9' } },
      },
    };
    expect(endpointsOf(home, inspected)).toEqual({
      local: { host: '10.0.0.9', port: 9_000 },
      network: { host: '192.0.2.1', port: 32_768 },
    });
  });

  it.each([
    ['demo', 'demo:latest'],
    ['a/b:2', 'a/b:2'],
    ['localhost:5000/b', 'localhost:5000/b:latest'],
    ['a@sha256:0123', 'a@sha256:0123'],
  ])('of %s is created from %s', (image, expected) => expect(imageReference(image)).toBe(expected));
});

describe('a sample', () => {
  const cpu = (total: number, system?: number) => ({
    cpu_usage: { total_usage: total },
    system_cpu_usage: system,
    online_cpus: 4,
  });
  const memory = { usage: 300, limit: 1_000, stats: { inactive_file: 100 } };

  it('is what docker stats shows', () => {
    const stats = { cpu_stats: cpu(300, 2_000), precpu_stats: cpu(100, 1_000), memory_stats: memory };
    expect(sampleOf(stats)).toEqual({ cpuPercent: 80, memoryPercent: 20, memoryBytes: 200 });
  });

  it('is undefined for the first frame', () => {
    expect(
      sampleOf({ cpu_stats: cpu(300, 2_000), precpu_stats: cpu(0), memory_stats: memory }),
    ).toBeUndefined();
  });
});
