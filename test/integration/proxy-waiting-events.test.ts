import type { Readable } from 'node:stream';
import { SUBJECTS } from '@spawner/bus';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, Backend, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, startUpstream, type Upstream } from '@spawner/testkit';
import { startThreeWays, type ThreeWays, WAYS, type Way } from './proxy-three-ways.ts';

const PATH = '/.spawner/events';
const STATE = (name: string) => `event: state\ndata: ${name}\n\n`;
const OVER = 'event: over\ndata: \n\n';

describe('the events of a backend that is not ready', () => {
  let ways: ThreeWays;
  let upstream: Upstream;
  beforeAll(async () => {
    upstream = await startUpstream();
    ways = await startThreeWays({ SPAWNER_PROXY_HELD_PER_BACKEND: '2' });
  });
  afterAll(async () => {
    await ways?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  /** A stream that has begun: what has come of it, and whether it has ended. */
  async function follow(way: Way, host: string) {
    const { body: sent, answered, leave } = ways.ask(way, { host, path: PATH });
    sent.end();
    const { status, headers, body } = await answered;
    const got = { text: '', ended: false };
    collect(body, got);
    return { status, headers, got, leave };
  }
  function collect(body: Readable, got: { text: string; ended: boolean }): void {
    body.on('data', (chunk: Buffer) => {
      got.text += chunk;
    });
    body.on('error', () => {});
    body.once('end', () => {
      got.ended = true;
    });
  }
  const asked = () => upstream.seen.filter((line) => line.includes(PATH));

  it.each(WAYS)(
    'tell every state by %s, and when it is over; none of it reaches the backend',
    async (way) => {
      const before = asked().length;
      const { id, host } = await ways.world.startingBackend();
      const { status, headers, got } = await follow(way, host);
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([
        200,
        'text/event-stream',
        'no-store',
      ]);
      await eventually(() => expect(got.text).toBe(`retry: 500\n${STATE('STARTING')}`));
      const backend = Backend.fromPartial({ id, state: BackendState.WAITING });
      await eventually(() => {
        ways.world.bus.publish(SUBJECTS.backendState, id, { backend });
        expect(got.text).toContain(STATE('WAITING'));
      });
      expect(got.ended).toBe(false);
      await ways.world.ready(id, upstream.port);
      await eventually(() => expect(got).toMatchObject({ ended: true }));
      expect(got.text.endsWith(OVER)).toBe(true);
      expect(asked().length).toBe(before);
    },
  );

  it.each(WAYS)('are a path of the backend when that is ready, by %s', async (way) => {
    const before = asked().length;
    const { host } = await ways.world.backend(upstream);
    expect((await ways.get(way, host, PATH)).status).toBe(404);
    expect(asked().slice(before)).toEqual([`GET ${PATH}`]);
  });

  it('are only what a GET of this very path asks for: anything else is held for the backend', async () => {
    const { id, host } = await ways.world.startingBackend();
    const requests = [
      { host, path: PATH, method: 'POST' },
      { host, path: `${PATH}/more` },
      { host, path: `${PATH}?a=b` },
    ].map((what) => ways.ask('HTTP', what));
    for (const { body } of requests.slice(0, 2)) body.end();
    await eventually(async () => expect((await ways.world.ask(id, 0)).held).toBe(2));
    await ways.world.ready(id, upstream.port);
    for (const { body } of requests.slice(2)) body.end();
    for (const { answered } of requests) expect((await answered).status).toBe(404);
    expect(asked()).toEqual(expect.arrayContaining([`POST ${PATH}`, `GET ${PATH}/more`, `GET ${PATH}?a=b`]));
  });

  it('are over when the backend has ended, and 410 after that', async () => {
    const { id, host } = await ways.world.startingBackend();
    const { got } = await follow('HTTP', host);
    await ways.world.ended(id, BackendState.TERMINATED, EndReason.LOAD_ERROR);
    await eventually(() => expect(got.ended).toBe(true));
    expect(got.text.endsWith(OVER)).toBe(true);
    expect((await ways.get('HTTP', host, PATH)).status).toBe(410);
  });

  it('have as many readers as requests may be held, and room again when one leaves', async () => {
    const { host } = await ways.world.startingBackend();
    const streams = [await follow('HTTP', host), await follow('HTTPS', host)];
    const refused = await follow('HTTP', host);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    streams[0]?.leave();
    await eventually(async () => {
      const again = await follow('HTTP', host);
      again.leave();
      expect(again.status).toBe(200);
    });
    streams[1]?.leave();
  });

  it('tell nothing to one without a token, where the backend wants one', async () => {
    const { id, host } = ways.world.name();
    const starting = { state: RouteState.PENDING, backendState: BackendState.STARTING, access: Access.TOKEN };
    await ways.world.route(id, starting);
    await eventually(async () => expect((await ways.get('HTTP', host, PATH)).status).toBe(401));
  });
});
