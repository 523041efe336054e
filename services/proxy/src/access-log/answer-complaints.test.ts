import { crankedClock } from '@spawner/testkit';
import { AnswerComplaints } from './answer-complaints.ts';

describe('answers that cannot be forwarded', () => {
  const scene = () => {
    const lines: unknown[] = [];
    const clock = crankedClock();
    const log = { warn: (fields: unknown) => void lines.push(fields) };
    const told: string[] = [];
    const tellAgent = (backendId: string, objection: string) => told.push(`${backendId} ${objection}`);
    return { lines, told, clock, complaints: new AnswerComplaints(clock, log, tellAgent) };
  };

  it('leave one line a minute for each backend, and go to its agent as often', async () => {
    const { lines, told, clock, complaints } = scene();
    const [one, other] = [
      { backendId: 'a', objection: 'x' },
      { backendId: 'b', objection: 'y' },
    ];
    for (let n = 0; n < 3; n++) complaints.complain('a', 'x');
    complaints.complain('b', 'y');
    expect(lines).toEqual([one, other]);
    await clock.advance(59_999);
    complaints.complain('a', 'x');
    expect(lines).toHaveLength(2);
    await clock.advance(1);
    complaints.complain('a', 'x');
    expect(lines).toEqual([one, other, one]);
    expect(told).toEqual(['a x', 'b y', 'a x']);
  });

  it('leave no more lines than the log can hold for many backends at once', () => {
    const { lines, complaints } = scene();
    for (let n = 0; n < 1_500; n++) complaints.complain(`backend-${n}`, 'x');
    expect(lines).toHaveLength(1_000);
  });
});
