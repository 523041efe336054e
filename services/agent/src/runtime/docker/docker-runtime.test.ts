import { join } from 'node:path';
import { type Clock, DEADLINES, systemClock } from '@spawner/domain';
import { BackendSpec } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { StubEngine, type TempDir, tempDir } from '@spawner/testkit';
import { StateDir } from '../../state/state-dir.ts';
import type { Runtime } from '../runtime.ts';
import { type DockerOptions, openDocker } from './open-docker.ts';

const NETWORK = 'backends';
const MINUTE = 60_000;

describe('the Docker runtime', () => {
  let temp: TempDir;
  let engine: StubEngine;
  let runtime: Runtime;
  /** The next agent of the same drone, with the same state. */
  let next: Runtime;
  let home: () => DockerOptions;
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now, sleep: async () => {} };

  beforeEach(async () => {
    now = 0;
    temp = await tempDir('docker');
    const socketPath = join(temp.path, 'docker.sock');
    engine = new StubEngine(socketPath, NETWORK);
    home = () => ({
      cluster: 'c',
      droneId: 'd',
      network: NETWORK,
      subnet: '',
      pullsAtOnce: 3,
      engineRuntime: '',
      publishAddress: '',
      sandboxes: 0,
      sandboxesCpuPercent: 25,
      socketPath,
      state: new StateDir(join(temp.path, 'state')),
      clock,
      log: createLog('test', 'silent'),
    });
    home().state.write('address-cursor', '1');
    [runtime, next] = [await openDocker(home()), await openDocker(home())];
  });
  afterEach(async () => {
    engine.close();
    await temp.stop();
  });

  const program = (id: string, placement = 1) => ({
    id,
    placement,
    spec: BackendSpec.fromPartial({ image: 'i' }),
  });
  const started = async (id: string) => {
    await runtime.create(program(id));
    return (await runtime.start(id)).local.host;
  };

  it.each([
    ['', undefined, 'SIGTERM'],
    ['', 'SIGQUIT', 'SIGQUIT'],
    ['SIGINT', 'SIGQUIT', 'SIGINT'],
  ])('sends the signal %j, and by default the one that the image names (%j): %s', async (name, own, sent) => {
    await started('a');
    engine.stopSignal = own;
    await runtime.signal('a', name);
    expect(engine.asked.at(-1)).toMatch(new RegExp(`/containers/spawner-a/kill\\?signal=${sent}$`));
  });

  it('lets a released address rest for longer than proxies trust a route', async () => {
    const address = await started('a');
    await runtime.remove('a');
    // The range has 13 addresses, so this goes round it more than once.
    const allocated: string[] = [];
    const cycle = async (name: string) => {
      for (let index = 0; index < 12; index++) allocated.push(await started(`${name}${index}`));
      for (let index = 0; index < 12; index++) await runtime.remove(`${name}${index}`);
    };
    await cycle('b');
    expect(allocated).not.toContain(address);
    now = DEADLINES.addressRest - 1;
    await expect(started('c')).rejects.toThrow('no address is free');
    now = DEADLINES.addressRest;
    await cycle('d');
    expect(allocated).toContain(address);
    expect(DEADLINES.addressRest).toBeGreaterThan(DEADLINES.routesTrusted);
  });

  it('skips addresses that other containers have, and allocates them after a rest', async () => {
    engine.strangers.add('10.9.0.2');
    engine.strangers.add('10.9.0.3');
    expect(await started('a')).toBe('10.9.0.4');
    engine.strangers.clear();
    now = 16 * MINUTE;
    const rest = [];
    for (let index = 0; index < 12; index++) rest.push(await started(`b${index}`));
    expect(rest.slice(-2)).toEqual(['10.9.0.2', '10.9.0.3']);
  });

  it.each(['before', 'after'] as const)(
    'starts a program once, though the engine dies %s it has started it',
    async (when) => {
      let deaths = 0;
      await runtime.create(program('a'));
      engine.dies = (_, then) => then === when && deaths++ < 3;
      const { local } = await runtime.start('a');
      expect([local.host, engine.starts]).toEqual([engine.addresses.get('a'), 1]);
    },
  );

  it.each(['before', 'after'] as const)(
    'creates a container once, though the engine dies %s it has created it',
    async (when) => {
      let deaths = 0;
      engine.dies = (line, then) =>
        line.startsWith('POST /containers/create') && then === when && deaths++ < 3;
      expect(await started('a')).toBe(engine.addresses.get('a'));
      expect([[...engine.states.keys()], engine.starts]).toEqual([['a'], 1]);
      expect(deaths).toBeGreaterThan(3);
    },
  );

  it('does not take a container that is removed before it was started for one that has ended', async () => {
    await runtime.create(program('a'));
    engine.states.set('a', 'removing');
    expect(await runtime.inspect('a')).toEqual({ is: 'absent' });
  });

  it('does not start a program again that ended while the engine was away', async () => {
    await runtime.create(program('a'));
    engine.dies = (line, then) => {
      if (!line.endsWith('/start') || then === 'before') return false;
      engine.states.set('a', 'exited');
      return true;
    };
    await expect(runtime.start('a')).rejects.toThrow('ended before it was ready');
    expect(engine.starts).toBe(1);
  });

  describe('if the engine carries out a start after the agent that ordered it has died', () => {
    beforeEach(() => runtime.create(program('a')));

    it('keeps a program that runs when the next agent creates its own', async () => {
      expect(await next.inspect('a')).toEqual({ is: 'absent' });
      const { local } = await runtime.start('a');
      await next.create(program('a'));
      expect(await next.start('a')).toEqual({ local });
      expect(engine.starts).toBe(1);
    });

    it('keeps a program that starts while the next agent removes what it was created as', async () => {
      engine.beforeRemoval = () => engine.start('a');
      const address = engine.addresses.get('a');
      await next.create(program('a'));
      expect((await next.start('a')).local.host).toBe(address);
      expect(engine.starts).toBe(1);
    });

    it('does not start the container that the next agent has created since', async () => {
      await next.create(program('a'));
      await expect(runtime.start('a')).rejects.toThrow('no such container');
      expect(engine.states.get('a')).toBe('created');
      const { local } = await next.start('a');
      expect([local.host, engine.starts]).toEqual([engine.addresses.get('a'), 1]);
    });

    it('takes a program for started that runs already', async () => {
      await next.create(program('a'));
      engine.start('a');
      const { local } = await next.start('a');
      expect([local.host, engine.starts]).toEqual([engine.addresses.get('a'), 1]);
    });

    it('does not start a kept program again that ends meanwhile', async () => {
      await runtime.start('a');
      await next.create(program('a'));
      engine.states.set('a', 'exited');
      await next.start('a');
      expect([engine.starts, await next.inspect('a')]).toEqual([
        1,
        { is: 'exited', exit: { code: 3, outOfMemory: false } },
      ]);
    });

    it('does not start a program again that has ended meanwhile', async () => {
      await runtime.start('a');
      engine.states.set('a', 'exited');
      await expect(next.create(program('a'))).rejects.toThrow('ended before it was ready');
      expect(await next.inspect('a')).toMatchObject({ is: 'exited', exit: { code: 3 } });
      expect(engine.starts).toBe(1);
    });

    it('replaces a program of an earlier placement', async () => {
      await runtime.start('a');
      await next.create(program('a', 2));
      await next.start('a');
      expect([engine.starts, engine.labels.get('a')?.['dev.spawner.placement']]).toEqual([2, '2']);
    });

    it('gives the address back that a kept program does not need', async () => {
      await runtime.start('a');
      await next.create(program('a'));
      await next.start('a');
      const names = Array.from({ length: 12 }, (_, index) => `b${index}`);
      for (const name of names) await next.create(program(name));
      await expect(next.create(program('c'))).rejects.toThrow('no address is free');
      expect(new Set(engine.addresses.values()).size).toBe(13);
    });
  });

  it.each([true, false])('streams lines as the engine sends them (followed: %s)', async (follow) => {
    const line = Buffer.from('2024-05-06T07:08:09Z hello\n');
    engine.logs = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, line.length]), line]);
    const stop = new AbortController();
    const lines = runtime.logs('a', { follow, tailLines: 20, signal: stop.signal })[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: { text: 'hello' } });
    expect(engine.asked.at(-1)).toMatch(new RegExp(`/logs\\?.*tail=20.*follow=${follow}`));
    const next = lines.next();
    stop.abort();
    await expect(next).rejects.toThrow();
  });
});
