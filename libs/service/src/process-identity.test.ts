import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ownProcess, startTicksIn } from './process-identity.ts';

describe('what names a process', () => {
  it('is its boot, its namespaces, its id and its start', () => {
    const own = ownProcess();
    expect(own).toEqual({
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: expect.any(Number),
      timeNamespace: expect.any(Number),
      pid: process.pid,
      startTicks: startTicksIn(readFileSync(`/proc/${process.pid}/stat`, 'utf8')),
    });
    expect(own?.pidNamespace).toBeGreaterThan(0);
    expect(own?.startTicks).toBeGreaterThan(0);
  });

  it('has the start also where its name has brackets and spaces', () => {
    const rest = '1 77 77 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 11 0 9000 123456 10 1844';
    expect(startTicksIn(`4242 (a) b (c) R ${rest}`)).toBe(9_000);
  });

  it('is that of a child only for the child itself', async () => {
    const child = spawn('sleep', ['60']);
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      expect(startTicksIn(stat)).toBeGreaterThanOrEqual(ownProcess()?.startTicks ?? Number.NaN);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
