import { startProgram } from '@spawner/testkit';

const MODULE = new URL(`file://${__dirname}/index.ts`).href;

/** A service whose start never ends, as that of a worker whose supervisor died while it asked for its listeners. */
const SCRIPT = `
  const { readServiceConfig, run } = await import('${MODULE}');
  const read = (env) => readServiceConfig('stuck', env, 0, () => ({}));
  await run('stuck', read, async (_config, app) => {
    app.log.info('building');
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  });
`;

describe('a service that gets SIGTERM while it still starts', () => {
  it('stops, although its start never ends', async () => {
    const program = await startProgram({
      command: process.execPath,
      args: ['--input-type=module', '--eval', SCRIPT],
      env: { SPAWNER_STUCK_DRAIN_MS: '500', SPAWNER_STUCK_ADMIN_PORT: '0' },
      ready: (line) => line.includes('building'),
      stopTimeoutMs: 10_000,
    });
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    expect(program.output()).toContain('stopped');
  });
});
