import { BackendSpec } from '@spawner/proto/v1/backend';
import { World } from '../world/world.ts';
import { Engine } from './engine.ts';

const WATCH = { started: () => {}, stopping: () => {}, starting: () => {} };

describe('a container engine', () => {
  it('still knows the last use of a program that it has removed', () => {
    const engine = new Engine('d1', new World(1), WATCH);
    const program = { id: 'a', placement: 1, key: undefined, spec: BackendSpec.fromPartial({}) };
    engine.create(program, { address: '10.1.0.2' });
    const container = engine.containers.get('a');
    if (container) container.usedAt = 7;
    engine.remove('a');
    expect(engine.containers.size).toBe(0);
    expect(engine.usedAt('a')).toBe(7);
  });
});
