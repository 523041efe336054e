import { systemClock } from '@spawner/domain';
import { backendProcesses, cpuPercent, parseStat, processFacts, processTable } from './proc.ts';
import { programName } from './process-runtime.ts';

describe('the entry of a process in /proc', () => {
  it('is read though its name has brackets and spaces', () => {
    const rest = '1 77 77 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 11 0 9000 123456 10 1844';
    expect(parseStat(`4242 (a) b (c) R ${rest}`)).toEqual({
      pid: 4_242,
      zombie: false,
      session: 77,
      ticks: 300,
      startTime: 9_000,
      memoryBytes: 40_960,
    });
  });

  it('is read for this process', () => {
    expect(processFacts(process.pid)).toMatchObject({ pid: process.pid, zombie: false });
    expect(processFacts(2 ** 22 + 1)).toBeUndefined();
  });

  it('excludes a stranger that has only the session in common', () => {
    const session = processFacts(process.pid)?.session ?? 0;
    expect(backendProcesses('nobody', session)).toEqual([]);
  });

  it('gives a percentage of one processor', () => {
    expect(cpuPercent(300, 2_000)).toBe(150);
    expect(cpuPercent(-5, 1_000)).toBe(0);
  });
});

describe('the table of processes', () => {
  it('is read once for all calls within their age, and again for later ones', () => {
    let [now, looks] = [1_000, 0];
    const table = processTable({ ...systemClock, now: () => now }, () => {
      looks += 1;
      return [];
    });
    for (let asked = 0; asked < 100; asked += 1) expect(table(500).at).toBe(1_000);
    now = 1_499;
    expect([table(500).at, looks]).toEqual([1_000, 1]);
    now = 1_500;
    expect([table(500).at, looks]).toEqual([1_500, 2]);
  });
});

describe('the program of an image', () => {
  it.each([
    ['demo', 'demo'],
    ['spawner/demo:latest', 'demo'],
    ['localhost:5000/a/b.c@sha256:00', 'b.c'],
  ])('%s is %s', (image, expected) => expect(programName(image)).toBe(expected));

  it.each(['..', 'a/..', 'a/.hidden', '', '/etc/'])('rejects %j', (image) => {
    expect(() => programName(image)).toThrow('names no program');
  });
});
