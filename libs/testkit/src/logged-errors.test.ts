import { atFileEnd, complain, expectComplaint, unexpectedComplaints } from './complaints.ts';
import { errorIn, testLog } from './logged-errors.ts';

describe('an error in the output of a service', () => {
  it('is a log line of level error or fatal, in one phrase', () => {
    const line = { level: 'error', service: 'proxy', error: { message: 'no' }, msg: 'a request failed' };
    expect(errorIn(JSON.stringify(line))).toBe('proxy: a request failed: no');
    expect(errorIn('{"level":"fatal","service":"dns","msg":"cannot start"}')).toBe('dns: cannot start');
  });

  it('is a crash of Node', () => {
    expect(errorIn('    at triggerUncaughtException (node:internal/errors:1)')).toContain('Uncaught');
  });

  it('is no line of another level, and no text that only mentions one', () => {
    for (const line of ['{"level":"warn","msg":"waiting for Redis"}', 'level error', '{"level":"info"}'])
      expect(errorIn(line)).toBeUndefined();
  });
});

describe('complaints of a test file', () => {
  it('are errors of its logs and of those derived from them', async () => {
    const log = testLog();
    log.warn('fine');
    log.error({ error: new Error('no') }, 'first');
    log.child({ backend_id: 'b' }).fatal('second');
    expect(await unexpectedComplaints(globalThis)).toEqual(['a log said: first: no', 'a log said: second']);
    expectComplaint(/^a log said: (first|second)/);
    expect(await unexpectedComplaints(globalThis)).toEqual([]);
  });

  it('are what its checks find at its end, unless they are expected', async () => {
    complain('once');
    complain('once');
    atFileEnd(async () => ['left running']);
    expect(await unexpectedComplaints(globalThis)).toEqual(['once', 'left running']);
    expectComplaint(/^once$/);
    expectComplaint(/^left running$/);
    expect(await unexpectedComplaints(globalThis)).toEqual([]);
  });
});
