import { StepTimes } from '@spawner/proto/v1/backend';
import { startSummary } from './start-summary.ts';

const of = (steps: Partial<StepTimes>) => startSummary(StepTimes.fromPartial(steps));

describe('startSummary', () => {
  it('names every known step in its order', () => {
    const whole = {
      ...{ firstByteMs: 2, readyMs: 84, startMs: 310, createMs: 12, sandboxMs: 1 },
      ...{ queueMs: 0, pullMs: 20_400, handOverMs: 4, placeMs: 3 },
    };
    expect(of(whole)).toBe(
      'placed 3 ms, handed over 4 ms, pulled 20 s, queued 0 ms, network 1 ms, created 12 ms, started 310 ms, ready 84 ms, first byte 2 ms',
    );
  });

  it('leaves out the steps that are not known', () => {
    expect(of({ placeMs: 3, queueMs: 1_250 })).toBe('placed 3 ms, queued 1.3 s');
    expect(of({})).toBe('');
    expect(startSummary(undefined)).toBe('');
  });
});
