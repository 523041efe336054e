import { runCommand } from './command.ts';

const node = (script: string, options = {}) => runCommand(process.execPath, ['-e', script], options);

describe('a command', () => {
  it('resolves with its exit code', async () => {
    expect(await node('process.exit(3)')).toBe(3);
  });

  it('is ended on abort, by SIGKILL if it ignores SIGTERM', async () => {
    const stop = new AbortController();
    const ended = node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6)', {
      signal: stop.signal,
      killAfterMs: 500,
    });
    setTimeout(() => stop.abort(), 500);
    expect(await ended).toBeNull();
  });

  it('ends at once if the abort came before it', async () => {
    expect(await node('setInterval(() => {}, 1e6)', { signal: AbortSignal.abort() })).toBeNull();
  });
});
