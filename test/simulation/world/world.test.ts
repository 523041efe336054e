import { AppError } from '@spawner/domain';
import { HarnessError } from '../../memory-redis/errors.ts';
import { changedText } from '../mutations/change.ts';
import { added, missed } from './coverage.ts';
import { Machine } from './machine.ts';
import { Process } from './process.ts';
import { World } from './world.ts';

function looping(error: unknown) {
  const world = new World(1);
  const process = new Process('s1', new Machine('s1', world), world);
  process.every('sweep', 1_000, () => Promise.reject(error));
  return world.run(5_000);
}

describe('a world', () => {
  it('ends with the name of the invariant that broke', async () => {
    const world = new World(1);
    world.after(10, () => world.violate('one-holder', 'two hold it'));
    await expect(world.run(20)).rejects.toMatchObject({ invariant: 'one-holder', message: 'two hold it' });
  });

  it('continues while a loop fails as the services expect', async () => {
    await looping(new AppError('unavailable', 'the store is away'));
  });

  it.each([
    ['an exception', new TypeError('x is undefined')],
    ['an internal error', new AppError('internal', 'failed')],
  ])('takes %s of a loop for a violation', async (_, error) => {
    await expect(looping(error)).rejects.toMatchObject({ invariant: 'expected-errors' });
  });

  it('ends with a fault of the harness as it is', async () => {
    const fault = new HarnessError('this command is not implemented');
    await expect(looping(fault)).rejects.toBe(fault);
  });

  it('takes a logged error for a violation', async () => {
    const world = new World(1);
    const { log } = new Process('d1', new Machine('d1', world), world);
    world.after(10, () => log.warn({ error: new TypeError('x is undefined') }, 'a call failed'));
    await expect(world.run(20)).rejects.toMatchObject({ invariant: 'expected-errors' });
  });
});

describe('a run', () => {
  it('sums what its worlds counted', () => {
    expect(added({ ready: 2 }, { ready: 3, reboots: 1 })).toEqual({ ready: 5, reboots: 1 });
  });

  it('misses coverage in which nothing happened, in proportion to its seeds', () => {
    expect(missed({}, 100)).toContain('ready: 0 in 100 seeds, at least 1500 expected');
    expect(missed({ ready: 800 }, 50).filter((line) => line.startsWith('ready:'))).toEqual([]);
  });
});

describe('a change', () => {
  const text = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 1;\n}\n';
  const change = { file: 'a.ts', symbol: 'b', from: 'return 1;', to: 'return 2;' };

  it('is made in its symbol alone', () => {
    expect(changedText(text, change)).toBe(
      'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n',
    );
  });

  it.each([
    { ...change, symbol: 'c' },
    { ...change, from: 'return 3;' },
    { ...change, symbol: undefined },
  ])('is an error if its text is not there exactly once: %j', (stale) => {
    expect(() => changedText(text, stale)).toThrow(HarnessError);
  });
});
