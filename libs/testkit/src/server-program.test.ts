import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServerAt } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

/** A server that ends at once with this complaint, so many times, and then answers. Each start adds a line to `starts`. */
const program = (starts: string, failures: number, complaint: string) => `
  const { appendFileSync, readFileSync } = require('node:fs');
  appendFileSync(${JSON.stringify(starts)}, 'start\\n');
  if (readFileSync(${JSON.stringify(starts)}, 'utf8').split('\\n').length - 1 > ${failures}) setInterval(() => {}, 1_000);
  else { console.error(${JSON.stringify(complaint)}); process.exitCode = 1; }
`;

describe('a server whose start met another one', () => {
  const start = async (failures: number, complaint = 'Chain already exists') => {
    await using dir = await tempDir('collision');
    const starts = join(dir.path, 'starts');
    const count = async () => (await readFile(starts, 'utf8')).split('\n').length - 1;
    const answers = async () => {
      if ((await count()) <= failures) throw new Error('not yet');
    };
    const args = () => ['-e', program(starts, failures, complaint)];
    const started = startServerAt(0, {
      command: process.execPath,
      args,
      answers,
      collision: /already exists/,
    });
    const failed = await started.then(
      async (server) => void (await server.stop()),
      (error: Error) => error.message,
    );
    return { failed, starts: await count() };
  };

  it('is started again, three times in all', async () => {
    expect(await start(2)).toEqual({ failed: undefined, starts: 3 });
    expect(await start(3)).toEqual({ failed: expect.stringContaining('Chain already exists'), starts: 3 });
  });

  it('is not started again for another reason', async () => {
    expect(await start(1, 'no such option')).toEqual({
      failed: expect.stringContaining('no such option'),
      starts: 1,
    });
  });
});
