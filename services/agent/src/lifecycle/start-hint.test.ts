import { BackendSpec, EndReason } from '@spawner/proto/v1/backend';
import { type Life, newLife, termsOf } from './life.ts';
import { type LifeEvent, step } from './life-machine.ts';
import { startHint } from './start-hint.ts';

const MUST = 'it must listen on 0.0.0.0:8080, the port in $PORT';

describe('the hint for a start without an answer', () => {
  it.each([
    [undefined, MUST],
    [[], `the program listens on no port; ${MUST}`],
    [['127.0.0.1:8080'], `the program listens on 127.0.0.1:8080; ${MUST}`],
    [['127.0.0.1:9229', '0.0.0.0:3000'], `the program listens on 127.0.0.1:9229, 0.0.0.0:3000; ${MUST}`],
    [['0.0.0.0:8080'], 'the program listens on 0.0.0.0:8080'],
    [['[::]:8080', '0.0.0.0:9000'], 'the program listens on [::]:8080, 0.0.0.0:9000'],
  ])('of a program that listens on %j', (listeners, expected) => {
    expect(startHint(8080, listeners)).toBe(expected);
  });

  it('names no more than five addresses', () => {
    const listeners = Array.from({ length: 7 }, (_, at) => `0.0.0.0:${at + 1}`);
    expect(startHint(8080, listeners)).toContain('0.0.0.0:5 and 2 more; it must');
  });
});

describe('a life that gets a hint', () => {
  const hint: LifeEvent = { type: 'hint', detail: 'the program listens on no port' };
  const terms = termsOf(BackendSpec.fromPartial({ startupTimeoutMs: 2_000 }));
  const local = { host: '10.0.0.2', port: 8080 };
  const started: LifeEvent[] = [
    { type: 'begin' },
    { type: 'loaded' },
    { type: 'admitted' },
    { type: 'acknowledged' },
    { type: 'started', endpoints: { local } },
  ];
  const at = (now: number) => ({ now, wall: new Date(now) });
  const after = (life: Life, now: number, ...events: LifeEvent[]) =>
    events.reduce((present, event) => step(present, event, at(now)).life, life);
  const waiting = after(newLife('a', terms, new Date(0)), 0, ...started);

  it('has it once, behind the cause of its end', () => {
    const ending = after(waiting, 2_000, { type: 'tick' }, hint, hint).ending;
    expect(ending?.detail).toBe('no answer within 2000 ms of the start; the program listens on no port');
  });

  it('is the same without an end that has begun, or after it', () => {
    const stop: LifeEvent = { type: 'stop', reason: EndReason.REQUESTED, force: true };
    for (const life of [waiting, after(waiting, 1, stop)]) expect(after(life, 2, hint)).toBe(life);
  });
});
