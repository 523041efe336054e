import { readable } from './log-lines.ts';

describe('a log line for people', () => {
  it('is the message of a service with the text of its error', () => {
    const line = {
      level: 'fatal',
      time: 'now',
      service: 'dns',
      error: { message: 'no such thing' },
      msg: 'cannot start',
    };
    expect(readable(JSON.stringify(line))).toBe('fatal  cannot start: no such thing');
    expect(readable('{"level":"info","msg":"started"}')).toBe('info  started');
  });

  it('is any other line unchanged, unless it is too long', () => {
    for (const line of ['', 'Error: no', '{"level":', '{"a":1}', '17', 'null'])
      expect(readable(line)).toBe(line);
    expect(readable('x'.repeat(1000))).toHaveLength(301);
  });
});
