import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Life, newLife, termsOf } from './life.ts';
import { type LifeEvent, resume, step } from './life-machine.ts';

const AT = { now: 50, wall: new Date(1_700_000_000_000) };
const severed: LifeEvent = { type: 'severed' };
const stop: LifeEvent = { type: 'stop', reason: EndReason.REQUESTED, force: false };
const events: LifeEvent[] = [
  { type: 'begin' },
  { type: 'loaded' },
  { type: 'admitted' },
  { type: 'acknowledged' },
  { type: 'started', endpoints: { local: { host: '10.0.0.2', port: 8080 } } },
  { type: 'answered' },
];

/** A life in this state, on the usual way there. */
function lifeIn(state: BackendState): Life {
  let life = newLife('a', termsOf(BackendSpec.fromPartial({ image: 'a' })), AT.wall);
  for (const event of events) if (life.status.state < state) life = step(life, event, AT).life;
  return life;
}

describe('a program that has lost its network', () => {
  it.each([
    ['that starts', BackendState.STARTING, EndReason.START_ERROR],
    ['that is awaited', BackendState.WAITING, EndReason.START_ERROR],
    ['that was ready', BackendState.READY, EndReason.FAILED],
  ])('%s is ended, and its last lines are kept', (_, state, endReason) => {
    const { life, effects } = step(lifeIn(state), severed, AT);
    expect(effects).toEqual(['abort', 'remove']);
    const ended = step(life, { type: 'gone', lastLogs: ['bye'] }, AT).life.status;
    expect(ended).toMatchObject({
      endReason,
      endDetail: 'its network was removed from outside',
      lastLogs: ['bye'],
    });
  });

  it('has the rest of its grace if its end was ordered', () => {
    const ending = step(lifeIn(BackendState.READY), stop, AT).life;
    expect(step(ending, severed, AT)).toEqual({ life: ending, effects: [] });
  });

  it('was not started yet if its backend is LOADING', () => {
    const life = lifeIn(BackendState.LOADING);
    expect(step(life, severed, AT)).toEqual({ life, effects: [] });
  });

  it('is found after a restart of the agent', () => {
    const ready = lifeIn(BackendState.READY);
    expect(resume(ready, { is: 'severed' }, AT).life.ending).toMatchObject({
      reason: EndReason.FAILED,
      removing: true,
    });
    expect(resume(step(ready, stop, AT).life, { is: 'severed' }, AT).effects).toEqual(['signal']);
  });
});
