import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { markedPath } from '../../libs/testkit/src/test-run.ts';
import { orphanedRules } from './leftovers/network.ts';
import { leftoversNow, removeLeftovers } from './leftovers.ts';

const RUN = `unit-${process.pid}`;

describe('what a run leaves behind', () => {
  it('is a process with its mark, which is named with its file and killed', async () => {
    const file = 'test/e2e/some.test.ts';
    const env = { PATH: markedPath(process.env.PATH ?? '', { run: RUN, file }) };
    const child = spawn('sleep', ['600'], { env, stdio: 'ignore', detached: true });
    const exited = once(child, 'exit');
    await once(child, 'spawn');
    const left = (await leftoversNow({ run: RUN })).filter(({ what }) => what.startsWith('process'));
    expect(left).toMatchObject([{ what: `process ${child.pid} (sleep 600)`, file }]);
    const removed = await removeLeftovers({ run: RUN }, []);
    expect(removed.map(({ what }) => what)).toContain(`process ${child.pid} (sleep 600)`);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect((await leftoversNow({ run: RUN })).filter(({ what }) => what.startsWith('process'))).toEqual([]);
  });

  it('is not what was there before, nor the process of another run', async () => {
    const env = { PATH: markedPath(process.env.PATH ?? '', { run: RUN, file: undefined }) };
    const child = spawn('sleep', ['600'], { env, stdio: 'ignore' });
    await once(child, 'spawn');
    try {
      expect(await removeLeftovers({ run: RUN }, await leftoversNow({ run: RUN }))).toEqual([]);
      expect((await leftoversNow({ run: 'other' })).filter(({ what }) => what.startsWith('process'))).toEqual(
        [],
      );
      expect(child.exitCode).toBeNull();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('is a firewall rule whose bridge or process has gone, before the chain that it uses', () => {
    const rules = [
      '-P FORWARD ACCEPT',
      '-N DOCKER',
      '-N VANISHED-7',
      '-N VANISHED-8',
      '-A INPUT -i lo -j VANISHED-7',
      '-A INPUT -i lo -j VANISHED-8',
      '-A FORWARD -o spawnt3 -j DOCKER',
      '-A FORWARD -o spawnt4 -j DOCKER',
      '-A FORWARD -i docker0 -j ACCEPT',
    ];
    const living = ['8', 'spawnt4'];
    expect(orphanedRules(rules, (_, name) => living.includes(name))).toEqual([
      '-A INPUT -i lo -j VANISHED-7',
      '-A FORWARD -o spawnt3 -j DOCKER',
      '-N VANISHED-7',
    ]);
  });
});
