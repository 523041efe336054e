import { AppError, systemClock } from '@spawner/domain';
import type { Log } from './log.ts';
import { Outage } from './outage.ts';

function scene() {
  const lines: [string, object][] = [];
  const write = (fields: object, text: string) => void lines.push([text, fields]);
  const world = { now: 1_000 };
  const clock = { ...systemClock, now: () => world.now };
  const texts = { begins: 'it is away', ends: 'it is back' };
  const outage = new Outage({ warn: write, info: write } as unknown as Log, clock, texts);
  return { outage, lines, world };
}
const away = (text: string) =>
  new AppError('unavailable', 'not reachable', { cause: new Error(text, { cause: new Error('refused') }) });

describe('an outage', () => {
  it('is logged when it begins and when it ends, however often it fails in between', () => {
    const { outage, lines, world } = scene();
    for (let tries = 0; tries < 100; tries++) outage.failed(away('x'), { backend: 'a' });
    world.now = 61_000;
    outage.over();
    expect(lines).toEqual([
      ['it is away', { backend: 'a', reason: 'not reachable: x: refused' }],
      ['it is back', { failures: 100, lasted_ms: 60_000 }],
    ]);
  });

  it('is logged again for a new outage, and never without a failure', () => {
    const { outage, lines } = scene();
    outage.over();
    for (let times = 0; times < 2; times++) {
      outage.failed(away('x'));
      outage.over();
      outage.over();
    }
    expect(lines.map(([text]) => text)).toEqual(['it is away', 'it is back', 'it is away', 'it is back']);
  });

  it('tells another reason too, but not any number of them', () => {
    const { outage, lines } = scene();
    for (let reason = 0; reason < 1_000; reason++) outage.failed(away(`reason ${reason % 50}`));
    expect(lines).toHaveLength(8);
  });

  it('keeps the stack of an unexpected error', () => {
    const { outage, lines } = scene();
    const error = new TypeError('not a function');
    outage.failed(error);
    outage.failed('a text');
    expect(lines).toEqual([
      ['it is away', { error }],
      ['it is away', { error: 'a text' }],
    ]);
  });
});
