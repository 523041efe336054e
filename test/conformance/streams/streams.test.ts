/** Long and large streams leave the proxy's memory as it is, and nobody is read faster than the other side takes it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import { MIB, mostDuring } from './memory.ts';
import { content, hashOfContent, type StreamServer, startStreamServer } from './stream-server.ts';

jest.setTimeout(180_000);

const GIB = 1 << 30;
const MOST_GROWTH = 32 * MIB;
/**
 * What is read stays in memory until the next collection, tens of megabytes of it at full speed: memory is compared with
 * the most that the same work needed on a small scale, four of these, two at a time.
 */
const WARM_UP = GIB / 4;
const EVENTS_MS = 60_000;

let backend: StreamServer;
let expected: string;

beforeAll(async () => {
  backend = await startStreamServer();
  expected = hashOfContent(GIB);
});
afterAll(() => backend?.[Symbol.asyncDispose]());

describe.each(['on', 'off'])('with the fast path %s', (fastPath) => {
  let world: ProxyWorld;
  let host: string;
  let before: number;
  let events: ReturnType<typeof listen>;

  beforeAll(async () => {
    world = await startProxyWorld({ SPAWNER_PROXY_FAST_PATH: fastPath });
    host = (await world.backend(backend)).host;
    before = await mostDuring(world.proxy.pid, async () => {
      await Promise.all([download(WARM_UP), upload(WARM_UP)]);
      await Promise.all([download(WARM_UP), download(WARM_UP)]);
    });
    events = listen();
    events.catch(() => {});
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  async function growthDuring(work: () => Promise<unknown>): Promise<number> {
    return (await mostDuring(world.proxy.pid, work)) - before;
  }

  function ask(path: string, method = 'GET', headers: Record<string, string | number> = {}): ClientRequest {
    const options = {
      host: '127.0.0.1',
      port: world.port,
      path,
      method,
      headers: { host, ...headers },
      agent: false,
    };
    return request(options).on('error', () => {});
  }

  async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
    const [answer] = await once(outgoing, 'response');
    answer.on('error', () => {});
    return answer;
  }

  async function download(bytes: number): Promise<string> {
    const answer = await answerOf(ask(`/down?bytes=${bytes}`).end());
    const hash = createHash('sha1');
    for await (const piece of answer) hash.update(piece);
    return hash.digest('hex');
  }

  async function upload(bytes: number): Promise<string> {
    const outgoing = ask('/up', 'POST', { 'Content-Length': bytes });
    const answered = answerOf(outgoing);
    for (const piece of content(bytes)) if (!outgoing.write(piece)) await once(outgoing, 'drain');
    outgoing.end();
    let text = '';
    for await (const piece of await answered) text += piece;
    return text;
  }

  it('1 GiB comes down unharmed, in bounded memory', async () => {
    let hash = '';
    const growth = await growthDuring(async () => {
      hash = await download(GIB);
    });
    expect(hash).toBe(expected);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('1 GiB goes up unharmed, in bounded memory', async () => {
    let seen = '';
    const growth = await growthDuring(async () => {
      seen = await upload(GIB);
    });
    expect(seen).toBe(`${GIB} ${expected}`);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('a reader at 10 KiB a second holds its backend back, and not the fast one beside it', async () => {
    const growth = await growthDuring(async () => {
      const slow = await answerOf(ask(`/down?bytes=${GIB}`).end());
      const reading = new AbortController();
      const read = (async () => {
        for (; !reading.signal.aborted; await wait(100)) slow.read(1_024);
      })();
      await stands(() => backend.sent());
      // What the kernel's buffers take on three sockets, and no more.
      expect(backend.sent()).toBeLessThan(64 * MIB);
      expect(await download(256 * MIB)).toBe(hashOfContent(256 * MIB));
      reading.abort();
      await read;
      slow.destroy();
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('events come one by one for a minute, whatever else goes on', async () => {
    const { gaps, growth } = await events;
    expect(gaps.length).toBeGreaterThan(EVENTS_MS / 400);
    // None is kept back until the next: half of them come within two of their intervals.
    expect(gaps.sort((a, b) => a - b)[gaps.length >> 1]).toBeLessThan(200);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  /** Reads an event stream for its minute; rejects where one is missing. */
  async function listen(): Promise<{ gaps: number[]; growth: number }> {
    const gaps: number[] = [];
    const growth = await growthDuring(async () => {
      const answer = await answerOf(ask('/events?ms=100').end());
      const until = performance.now() + EVENTS_MS;
      let next = 1;
      let last = performance.now();
      answer.setEncoding('utf8');
      for await (const piece of answer) {
        for (const [, id] of String(piece).matchAll(/id: (\d+)\n/g)) expect(Number(id)).toBe(next++);
        gaps.push(performance.now() - last);
        last = performance.now();
        if (last > until) break;
      }
    });
    return { gaps, growth };
  }
});

/** Resolves when the number has not changed for a second. */
async function stands(count: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(
    () => {
      if (count() !== last) since = performance.now();
      last = count();
      return last > 0 && performance.now() - since > 1_000;
    },
    { timeoutMs: 30_000 },
  );
}
