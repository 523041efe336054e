import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, identify, isAlive, startInStat } from '../processes/process-ref.ts';
import { AlreadyRunning, judgeClaim, OwnClaim, readClaim } from './claim.ts';
import { type Place, placeOf } from './place.ts';

let place: Place;
beforeEach(() => {
  place = placeOf(mkdtempSync(join(tmpdir(), 'spawner-claim-')));
});
afterEach(() => rmSync(place.root, { recursive: true }));

const nobody = { pid: process.pid, since: 'another boot:1' };

describe('the record of a run', () => {
  it('keeps a second `up` out while the first runs', async () => {
    const own = await OwnClaim.take(place, () => {});
    own.add('redis', process.pid);
    expect(readClaim(place)?.started.redis).toEqual(identify(process.pid));
    await expect(OwnClaim.take(place, () => {})).rejects.toThrow(`pid ${process.pid}`);
    own.release();
    expect(existsSync(place.claimFile)).toBe(false);
  });

  it('of a dead `up` is taken over, and its leftovers are ended', async () => {
    const left = spawn('sleep', ['60'], { stdio: 'ignore' });
    const innocent = identify(process.pid);
    const stale = { up: nobody, started: { redis: identify(left.pid!), gateway: nobody } };
    await OwnClaim.take(place, () => {}).then((own) => own.release());
    writeFileSync(place.claimFile, JSON.stringify(stale));
    writeFileSync(place.localFile, '{}');
    const said: string[] = [];
    const ended = once(left, 'exit');
    const own = await OwnClaim.take(place, (text) => void said.push(text));
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(said).toEqual([expect.stringContaining(`redis (pid ${left.pid})`)]);
    expect(isAlive(innocent)).toBe(true);
    expect(existsSync(place.localFile)).toBe(false);
    own.release();
  });

  it('of a dead `up` is taken over by one of several that start together', async () => {
    const left = spawn('sleep', ['60'], { stdio: 'ignore' });
    mkdirSync(place.state);
    writeFileSync(place.claimFile, JSON.stringify({ up: nobody, started: { redis: identify(left.pid!) } }));
    const taken = await Promise.allSettled([1, 2, 3].map(() => OwnClaim.take(place, () => {})));
    const refused = taken.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused).toEqual([expect.any(AlreadyRunning), expect.any(AlreadyRunning)]);
    expect(readClaim(place)?.up).toEqual(identify(process.pid));
  });

  it('of a dead `up` names containers in a foreign engine and a process backend: both are removed', async () => {
    const backend = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const startTime = Number(identify(backend.pid!).since.split(':').at(-1));
    mkdirSync(join(place.agent, 'process', 'a'), { recursive: true });
    writeFileSync(
      join(place.agent, 'process', 'a', 'run.json'),
      JSON.stringify({ pid: backend.pid, startTime }),
    );
    const asked: string[] = [];
    const docker = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(
        request.method === 'GET' && request.url?.startsWith('/containers') ? '[{"Id":"c"}]' : '[]',
      );
    });
    const socket = join(place.state, 'docker.sock');
    docker.listen(socket);
    await once(docker, 'listening');
    const containers = { socket, label: 'dev.spawner.cluster=x' };
    writeFileSync(place.claimFile, JSON.stringify({ up: nobody, containers, started: { redis: nobody } }));
    const ended = once(backend, 'exit');
    await OwnClaim.take(place, () => {});
    docker.close();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(asked).toContain('DELETE /containers/c?force=true&v=true');
  });

  it('that is garbage counts as none', async () => {
    const own = await OwnClaim.take(place, () => {});
    writeFileSync(place.claimFile, '{"up":');
    expect(readClaim(place)).toBeUndefined();
    own.release();
  });

  it('names what was left behind, the last started first', () => {
    const [a, b, c] = [1, 2, 3].map((pid) => ({ pid, since: 'x' }));
    const claim = { up: nobody, started: { redis: a!, dockerd: b!, gateway: c! } };
    const judged = judgeClaim(claim, ({ pid }) => pid === 1 || pid === 3);
    expect(judged).toEqual({
      leftovers: [
        ['gateway', c],
        ['redis', a],
      ],
    });
    expect(judgeClaim(claim, ({ pid }) => pid === nobody.pid).running).toEqual(nobody);
    expect(judgeClaim(undefined)).toEqual({ leftovers: [] });
  });
});

describe('the identity of a process', () => {
  it('is more than the pid', () => {
    expect(isAlive(identify(process.pid))).toBe(true);
    expect(isAlive(nobody)).toBe(false);
    expect(isAlive({ pid: process.pid, since: '' })).toBe(false);
  });

  it('is read from after a name that may contain anything, and not from a zombie', () => {
    const stat = (state: string) =>
      `7 (a) S (b) ${state} ${Array.from({ length: 40 }, (_, i) => i + 4).join(' ')}`;
    expect(startInStat(stat('S'), 'boot')).toBe('boot:22');
    expect(startInStat(stat('Z'), 'boot')).toBe('');
  });

  it('that is not a living process’s is never sent a signal', async () => {
    await endProcess(nobody, 0);
    expect(isAlive(identify(process.pid))).toBe(true);
  });
});
