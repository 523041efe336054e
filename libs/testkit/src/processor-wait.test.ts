import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { longestWait, watchProcessorWait } from './processor-wait.ts';

const sample = (at: number, waited: Record<number, number>) => ({
  at,
  waited: new Map(Object.entries(waited).map(([pid, ms]) => [Number(pid), ms])),
});

describe('the longest wait for a processor', () => {
  const samples = [
    sample(1_000, { 1: 50, 2: 0 }),
    sample(2_000, { 1: 250, 2: 300 }),
    sample(3_000, { 1: 650, 2: 300, 3: 5_000 }),
    sample(4_000, { 1: 650, 3: 5_010 }),
  ];

  it('is that of one process, never a sum over processes', () => {
    expect(longestWait(samples, 1_000, 2_000)).toBe(300);
    expect(longestWait(samples, 2_000, 3_000)).toBe(400);
    expect(longestWait(samples, 1_000, 3_000)).toBe(600);
  });

  it('is shared evenly over the time between two samples', () => {
    expect(longestWait(samples, 2_500, 2_750)).toBe(100);
    expect(longestWait(samples, 1_500, 2_500)).toBe(300);
  });

  it('does not count what a process waited before it was watched', () => {
    expect(longestWait(samples, 2_000, 4_000)).toBe(400);
    expect(longestWait(samples, 3_000, 4_000)).toBe(10);
  });

  it('is 0 outside of the samples, for an empty interval and a reversed one', () => {
    expect(longestWait(samples, 0, 900)).toBe(0);
    expect(longestWait(samples, 4_500, 5_000)).toBe(0);
    expect(longestWait(samples, 3_000, 2_000)).toBe(0);
    expect(longestWait([], 0, 10)).toBe(0);
  });

  it('does not count the time in which this process itself keeps its event loop busy', async () => {
    using wait = watchProcessorWait();
    const from = Date.now();
    const used = process.cpuUsage();
    const until = performance.now() + 300;
    while (performance.now() < until);
    const { user, system } = process.cpuUsage(used);
    const elapsed = Date.now() - from;
    // Other processes may have taken this one's processor: that time alone may count.
    expect(wait.longest(from, Date.now())).toBeLessThanOrEqual(elapsed - (user + system) / 1_000 + 50);
  });

  it('counts the time in which other processes take every processor', async () => {
    const burners = Array.from({ length: 3 * availableParallelism() }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    );
    try {
      await Promise.all(burners.map((each) => new Promise((resolve) => each.once('spawn', resolve))));
      using wait = watchProcessorWait();
      const from = Date.now();
      while (wait.longest(from, Date.now()) < 20) {
        expect(Date.now() - from).toBeLessThan(30_000);
        await new Promise(setImmediate);
      }
      expect(wait.largestShare()).toBeGreaterThan(0);
    } finally {
      for (const each of burners) each.kill('SIGKILL');
    }
  });
});
