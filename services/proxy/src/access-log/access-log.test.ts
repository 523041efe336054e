import { crankedClock, seeded } from '@spawner/testkit';
import { readConfig } from '../config.ts';
import type { EdgeRequest } from '../edge/request.ts';
import { AccessLog, type AccessSetting, accessSetting } from './access-log.ts';

const ASKED: EdgeRequest = {
  host: 'abc.mydomain.test:8000',
  backendId: 'abc',
  method: 'GET',
  path: '/a/b?spawner_token=secret',
  protocol: 'HTTP/1.1',
  upgrade: false,
  peer: { remoteAddress: '192.0.2.9', trusted: false, tls: false, connection: { once: () => {} } },
  refusal: undefined,
  header: (name) => (name === 'user-agent' ? 'curl/8' : undefined),
};

function opened(setting: Exclude<AccessSetting, { kind: 'off' }>, random = () => 0.5) {
  const clock = crankedClock(new Date('2026-01-02T03:04:05Z'));
  let text = '';
  const sink = {
    write: (batch: string, done: () => void) => {
      text += batch;
      done();
    },
    dropped: () => {},
    recovered: () => {},
  };
  const log = new AccessLog(setting, { sink, clock, random, proxy: 'proxy-1' });
  const lines = async () => {
    await log.close();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  return { clock, log, lines, text: () => text };
}

const ALL: AccessSetting = { kind: 'sampled', oneOf: 1 };

describe('the access log', () => {
  it('has one line of an exchange, without the query', async () => {
    const { clock, log, lines, text } = opened(ALL);
    const entry = log.begin('fast', ASKED);
    await clock.advance(20);
    entry.waited();
    const socket = { bytesRead: 1_000, bytesWritten: 500 };
    entry.uses(socket);
    await clock.advance(10.04);
    entry.answered(200, false);
    socket.bytesRead += 300;
    socket.bytesWritten += 90;
    entry.leaves();
    // It is another exchange's now.
    socket.bytesRead += 7_777;
    await clock.advance(5);
    entry.end();
    entry.end();
    expect(await lines()).toEqual([
      {
        time: '2026-01-02T03:04:05.035Z',
        service: 'proxy',
        log: 'access',
        proxy: 'proxy-1',
        host: 'abc.mydomain.test:8000',
        backend: 'abc',
        method: 'GET',
        path: '/a/b',
        status: 200,
        bytes_in: 90,
        bytes_out: 300,
        duration_ms: 35,
        first_byte_ms: 30,
        held_ms: 20,
        protocol: 'HTTP/1.1',
        upgrade: false,
        client: '192.0.2.9',
        user_agent: 'curl/8',
        path_kind: 'fast',
        reason: null,
      },
    ]);
    expect(text()).not.toContain('secret');
  });

  it('adds up the bytes of a second attempt', async () => {
    const { log, lines } = opened(ALL);
    const entry = log.begin('fast', ASKED);
    const [first, second] = [
      { bytesRead: 5, bytesWritten: 10 },
      { bytesRead: 0, bytesWritten: 0 },
    ];
    entry.uses(first);
    first.bytesWritten += 70;
    entry.uses(second);
    second.bytesWritten += 70;
    second.bytesRead += 200;
    entry.answered(200, false);
    entry.end();
    expect(await lines()).toMatchObject([{ bytes_in: 140, bytes_out: 200 }]);
  });

  it('says why the proxy answered itself, and that a client left', async () => {
    const { log, lines } = opened(ALL);
    const limited = log.begin('general', ASKED);
    limited.refused({ outcome: 'limited', status: 429, body: 'slow down' });
    limited.end();
    log.begin('general', ASKED).end();
    const page = log.begin('general', ASKED);
    page.refused({ outcome: 'waiting_page', status: 503, body: 'Starting…' });
    page.end(false);
    expect(await lines()).toMatchObject([
      { status: 429, reason: 'limited', bytes_out: 9, path_kind: 'general' },
      { status: null, reason: 'client_left', first_byte_ms: null },
      { status: 503, reason: 'waiting_page', bytes_out: 11 },
    ]);
  });

  it('says why an answer has not gone out whole, and calls only the backend’s fault one', async () => {
    const { log, lines } = opened({ kind: 'sampled', oneOf: 1 });
    const [left, revoked, broken] = [1, 2, 3].map(() => log.begin('fast', ASKED));
    for (const entry of [left, revoked, broken]) entry?.answered(200, false);
    revoked?.revoked();
    broken?.broke();
    for (const entry of [left, revoked, broken]) entry?.end(false);
    expect((await lines()).map(({ reason }) => reason)).toEqual([
      'client_left',
      'unauthorized',
      'broken_answer',
    ]);
    expect([left, revoked, broken].map((entry) => entry?.failed)).toEqual([false, false, true]);
  });

  it('takes about one of N, and every failure of the proxy', async () => {
    const { log, lines } = opened({ kind: 'sampled', oneOf: 10 }, seeded(5));
    for (let n = 0; n < 1_000; n++) {
      const entry = log.begin('fast', ASKED);
      if (n % 100 === 0) entry.refused({ outcome: 'bad_gateway', status: 502, body: '' });
      else entry.answered(n % 2 === 0 ? 200 : 500, false);
      entry.end();
    }
    const all = await lines();
    expect(all.filter(({ status }) => status === 502)).toHaveLength(10);
    expect(all.length).toBeGreaterThan(70);
    expect(all.length).toBeLessThan(150);
  });

  it('has only what the proxy failed, where it is for errors', async () => {
    const { log, lines } = opened({ kind: 'errors' }, () => 0);
    const end = (status: number, own: boolean) => {
      const entry = log.begin('fast', ASKED);
      if (own) entry.refused({ outcome: 'of its own', status, body: '' });
      else entry.answered(status, false);
      entry.end();
    };
    end(200, false);
    end(500, false);
    end(404, true);
    end(503, true);
    const broken = log.begin('fast', ASKED);
    broken.answered(200, false);
    broken.broke();
    broken.end();
    expect(await lines()).toMatchObject([
      { status: 503, reason: 'of its own' },
      { status: 200, reason: 'broken_answer' },
    ]);
  });

  it('bounds what a client can put into a line, and keeps it one', async () => {
    const { log, lines, text } = opened(ALL);
    const asked = {
      ...ASKED,
      path: `/${'"'.repeat(9_000)}`,
      header: () => `\n${'é'.repeat(9_000)}`,
      host: 'h'.repeat(9_000),
    };
    log.begin('general', asked).end();
    expect(await lines()).toHaveLength(1);
    expect(Buffer.byteLength(text())).toBeLessThanOrEqual(4_096);
  });
});

describe('the setting of the access log', () => {
  it('is one of four kinds', () => {
    expect(accessSetting('off')).toEqual({ kind: 'off' });
    expect(accessSetting('errors')).toEqual({ kind: 'errors' });
    expect(accessSetting('all')).toEqual({ kind: 'sampled', oneOf: 1 });
    expect(accessSetting('1/1')).toEqual({ kind: 'sampled', oneOf: 1 });
    expect(accessSetting('1/1000000')).toEqual({ kind: 'sampled', oneOf: 1_000_000 });
  });

  it.each(['', 'on', '1/0', '1/-2', '2/3', '1/1.5', '0.1', '1/1000001', '1/10 ', 'ALL'])(
    'is not %j',
    (text) => {
      expect(accessSetting(text)).toBeUndefined();
    },
  );

  it('is off by default, and an error names the valid values', () => {
    expect(readConfig({}).accessLog).toEqual({ kind: 'off' });
    expect(() => readConfig({ SPAWNER_PROXY_ACCESS_LOG: '1/0' })).toThrow(
      'SPAWNER_PROXY_ACCESS_LOG must be off, errors, all, or 1/N with N a whole number from 1 to 1000000, not "1/0"',
    );
  });
});
