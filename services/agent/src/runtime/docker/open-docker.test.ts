import { join } from 'node:path';
import { DEADLINES, systemClock } from '@spawner/domain';
import { BackendSpec } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { StubEngine, type TempDir, tempDir } from '@spawner/testkit';
import { StateDir } from '../../state/state-dir.ts';
import type { Runtime } from '../runtime.ts';
import { type DockerOptions, openDocker } from './open-docker.ts';

const NETWORK = 'backends';

describe('the Docker runtime with sandboxes', () => {
  let now = 0;
  let temp: TempDir;
  let engine: StubEngine;
  let options: DockerOptions;
  let runtime: Runtime;
  /** The next agent of the same drone, with the same state. */
  let next: Runtime;
  const program = (id: string) => ({ id, placement: 1, spec: BackendSpec.fromPartial({ image: 'i' }) });
  const started = async (id: string) => {
    await runtime.create(program(id));
    return (await runtime.start(id)).local.host;
  };
  const stop = new AbortController();
  const turns = async (of: Runtime, count: number) => {
    for (let turn = 0; turn < count; turn++) await of.sandboxes?.turn(() => false, stop.signal);
  };
  const holders = () => engine.holdersRunning();

  beforeEach(async () => {
    now = 0;
    temp = await tempDir('docker');
    const socketPath = join(temp.path, 'docker.sock');
    engine = new StubEngine(socketPath, NETWORK);
    options = {
      cluster: 'c',
      droneId: 'd',
      network: NETWORK,
      subnet: '',
      engineRuntime: '',
      publishAddress: '',
      pullsAtOnce: 3,
      sandboxes: 2,
      sandboxesCpuPercent: 25,
      socketPath,
      state: new StateDir(join(temp.path, 'state')),
      clock: { ...systemClock, now: () => now, sleep: async () => {} },
      log: createLog('test', 'silent'),
    };
    [runtime, next] = [await openDocker(options), await openDocker(options)];
    await turns(runtime, 2);
  });
  afterEach(async () => {
    engine.close();
    await temp.stop();
    const addresses = [...engine.addresses.values()];
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('imports the image of the holders if it is missing', () => {
    expect(holders()).toHaveLength(2);
    expect(engine.asked.filter((url) => url.startsWith('/images/create'))).toHaveLength(1);
  });

  it('starts a program in a sandbox that is ready, and removes the sandbox with it', async () => {
    const [first = '', second] = holders();
    const host = await started('a');
    expect(engine.joined.get('a')).toBe(first);
    expect(engine.addresses.get('a')).toBeUndefined();
    expect(await runtime.inspect('a')).toEqual({
      is: 'running',
      endpoints: { local: { host, port: 8080 } },
    });
    expect(host).toMatch(/^10\.9\.0\.\d+$/);
    await runtime.remove('a');
    expect(holders()).toEqual([second]);
  });

  it('asks the engine for nothing but the creation and the start', async () => {
    engine.asked.length = 0;
    await started('a');
    expect(engine.asked.map((url) => url.replace(/^\/containers\/(?:.*\/)?|\?.*$/g, ''))).toEqual([
      'create',
      'start',
    ]);
  });

  it('gives a program an address of its own if none is ready', async () => {
    await Promise.all(['a', 'b', 'c'].map(started));
    expect(engine.joined.size).toBe(2);
    expect(runtime.sandboxes?.counts.starts).toEqual({ sandbox: 2, direct: 1 });
  });

  it('leaves addresses to starts that find no sandbox', async () => {
    await turns(await openDocker({ ...options, sandboxes: 13 }), 20);
    // The subnet has 13 addresses.
    expect(holders()).toHaveLength(5);
  });

  it('makes sandboxes at addresses that no container of others has', async () => {
    const [third = '', fourth = ''] = [...engine.addresses.values()].map((address) =>
      address.replace(/\d+$/, (last) => String(Number(last) + 2)),
    );
    engine.strangers.add(third);
    await runtime.create(program('a'));
    await turns(runtime, 1);
    expect([...engine.addresses.values()].at(-1)).toBe(fourth);
    expect(holders()).toHaveLength(3);
  });

  it('takes another sandbox if the holder dies before the start', async () => {
    const [first = '', second] = holders();
    await runtime.create(program('a'));
    engine.kill(first);
    await runtime.start('a');
    expect([engine.joined.get('a'), holders()]).toEqual([second, [second]]);
  });

  it('reports a program whose holder has died', async () => {
    const [first = ''] = holders();
    await started('a');
    engine.kill(first);
    expect(runtime.sandboxes?.died(first)).toBe('a');
    expect(await runtime.inspect('a')).toEqual({ is: 'severed' });
    await runtime.remove('a');
    expect(engine.states.size).toBe(1);
  });

  it('does not release an address that it has given back', async () => {
    await started('a');
    for (const holder of holders()) engine.kill(holder);
    await next.sandboxes?.look();
    // None is ready, so an address is allocated for the container whose name is taken.
    await expect(next.create(program('a'))).rejects.toThrow('its network was removed');
    await turns(next, 1);
    // All 13 addresses of the subnet are in use or rest now: two are those of the dead holders.
    for (let index = 0; index < 11; index++) {
      await next.create(program(`b${index}`));
      await next.start(`b${index}`);
    }
    await next.remove('a');
    now = DEADLINES.addressRest;
    for (const id of ['c', 'd']) await next.create(program(id));
    await expect(next.create(program('e'))).rejects.toThrow('no address is free');
  });

  it('finds the sandbox of its program after a restart of the agent', async () => {
    const host = await started('a');
    expect(await next.inspect('a')).toEqual({ is: 'running', endpoints: { local: { host, port: 8080 } } });
    expect(next.sandboxes?.counts).toMatchObject({ ready: 1, taken: 1 });
    await next.remove('a');
    expect(holders()).toHaveLength(1);
  });

  it('finds after a restart that its program has lost its network', async () => {
    const [first = ''] = holders();
    await started('a');
    engine.kill(first);
    expect(await next.inspect('a')).toEqual({ is: 'severed' });
  });

  it.each([
    ['before it has created its container', () => runtime.sandboxes?.take('a')],
    ['before it has started its container', () => runtime.create(program('a'))],
  ])('uses no sandbox twice if the agent dies %s', async (_, work) => {
    const [first] = holders();
    await work();
    await next.sandboxes?.look();
    await next.create(program('a'));
    await next.start('a');
    await turns(next, 1);
    expect(engine.joined.get('a')).not.toBe(first);
    expect(holders()).not.toContain(first);
  });

  it('keeps a program that an earlier agent started in its sandbox, and removes the one that it does not need', async () => {
    const [first] = holders();
    const host = await started('a');
    await next.sandboxes?.look();
    await next.create(program('a'));
    expect((await next.start('a')).local.host).toBe(host);
    expect([engine.starts - 2, holders()]).toEqual([1, [first]]);
  });

  describe('that publish a port', () => {
    const publishing = () => openDocker({ ...options, publishAddress: '192.0.2.1' });

    it('replace those that do not', async () => {
      const before = holders();
      await turns(await publishing(), 4);
      expect(holders()).toHaveLength(2);
      for (const holder of before) expect(holders()).not.toContain(holder);
    });

    it('give a program both endpoints, also after a restart of the agent', async () => {
      runtime = await publishing();
      await turns(runtime, 4);
      await runtime.create(program('a'));
      const endpoints = await runtime.start('a');
      expect(endpoints.network).toEqual({ host: '192.0.2.1', port: expect.any(Number) });
      expect(await runtime.inspect('a')).toEqual({ is: 'running', endpoints });
      expect(await (await publishing()).inspect('a')).toEqual({ is: 'running', endpoints });
      expect(engine.joined.has('a')).toBe(true);
    });

    it('are not joined by a program with another port', async () => {
      runtime = await publishing();
      await turns(runtime, 4);
      const { spec, ...rest } = program('a');
      await runtime.create({ ...rest, spec: { ...spec, port: 9_000 } });
      await runtime.start('a');
      expect(engine.joined.size).toBe(0);
    });

    it('are not joined by a program of an agent that publishes none', async () => {
      const published = await publishing();
      await turns(published, 4);
      await next.sandboxes?.look();
      await next.create(program('a'));
      expect([engine.joined.size, next.sandboxes?.counts.discarded]).toEqual([0, 2]);
    });
  });

  it('are not used under another container runtime, which removes those that are left', async () => {
    const other = await openDocker({ ...options, engineRuntime: 'runsc' });
    await other.sandboxes?.look();
    await other.create(program('a'));
    await turns(other, 3);
    expect([engine.joined.size, holders()]).toEqual([0, []]);
  });
});
