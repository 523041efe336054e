import { AppError } from '@spawner/domain';
import { crankedClock } from '@spawner/testkit';
import { Reachability } from './reachability.ts';
import type { Scheduler } from './scheduler.ts';

const signal = new AbortController().signal;

function reaching() {
  const clock = crankedClock();
  const answers: (Error | undefined)[] = [];
  const listBackends = async () => {
    const failure = answers.shift();
    if (failure) throw failure;
    return { backends: [], nextPageToken: '' };
  };
  const reachability = new Reachability({ listBackends } as unknown as Scheduler, clock);
  return { clock, answers, reachability };
}

describe('whether the scheduler can be reached', () => {
  it('is asked again at once after a failure, and 2 s after an answer', async () => {
    const { clock, answers, reachability } = reaching();
    answers.push(new AppError('unavailable', 'away'));
    await expect(reachability.look(signal)).rejects.toThrow('away');
    expect([reachability.waitingFor(), clock.sleeping]).toEqual(['the scheduler', 0]);
    let again = false;
    const looking = reachability.look(signal).then(() => {
      again = true;
    });
    await clock.advance(1_999);
    expect([reachability.waitingFor(), again]).toEqual([undefined, false]);
    await clock.advance(1);
    await looking;
    expect(again).toBe(true);
  });

  it('is unknown again as soon as a question fails', async () => {
    const { clock, answers, reachability } = reaching();
    const looking = reachability.look(signal);
    await clock.advance(2_000);
    await looking;
    answers.push(new AppError('unavailable', 'away'));
    await expect(reachability.look(signal)).rejects.toThrow('away');
    expect(reachability.waitingFor()).toBe('the scheduler');
  });
});
