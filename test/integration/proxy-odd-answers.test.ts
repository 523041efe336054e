/** A backend's answers that no parser takes as they come: on the fast path (HTTP, HTTPS) and on the general one (HTTP/2). */
import { createServer } from 'node:net';
import { eventually, request } from '@spawner/testkit';
import { serve } from './proxy-fixture.ts';
import { startThreeWays, type ThreeWays, WAYS } from './proxy-three-ways.ts';

let ways: ThreeWays;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  ways = stack.use(await startThreeWays());
}, 60_000);
afterAll(() => stack.disposeAsync());

/** Answers each request with these bytes, and closes. */
const says = (bytes: string) =>
  serve(createServer((socket) => void socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')))));

const OK = 'HTTP/1.1 200 OK\r\n';

describe.each(WAYS)('over %s', (way) => {
  it.each<[string, string, Record<string, string>]>([
    ['two equal lengths', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, { 'content-length': '2' }],
    ['a space before the colon', `${OK}X-A : b\r\nContent-Length: 2\r\n\r\nok`, { 'x-a': 'b' }],
    ['a folded line', `${OK}X-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok`, { 'x-a': '1 2' }],
    ['a control character', `${OK}X-A: 1\x012\r\nContent-Length: 2\r\n\r\nok`, { 'x-a': '1 2' }],
    ['line ends without CR', 'HTTP/1.1 200 OK\nX-A: 1\n\nok', { 'x-a': '1' }],
    [
      'a length beside chunks',
      `${OK}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      {},
    ],
    ['a head of 60 KiB', `${OK}X-A: ${'a'.repeat(61_440)}\r\nContent-Length: 2\r\n\r\nok`, {}],
  ])('an answer crosses with %s', async (_what, bytes, headers) => {
    await using backend = await says(bytes);
    const { host } = await ways.world.backend(backend);
    const asked = ways.ask(way, { host, path: '/' });
    asked.body.end();
    const { status, headers: seen, body } = await asked.answered;
    let text = '';
    for await (const chunk of body) text += chunk;
    expect({ status, text }).toEqual({ status: 200, text: 'ok' });
    expect(seen).toMatchObject(headers);
  });

  it.each([
    [
      'its header is larger than 65536 bytes',
      `${OK}X-A: ${'a'.repeat(65_536)}\r\nContent-Length: 2\r\n\r\nok`,
    ],
    ['it has lengths that differ', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`],
    ['it does not begin with a status line of HTTP', 'this is not HTTP'],
    [
      'it switches to a protocol that the request does not ask for',
      'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
  ])('the user reads that an answer cannot be forwarded: %s', async (objection, bytes) => {
    await using backend = await says(bytes);
    const { id, host } = await ways.world.backend(backend);
    const { status, body } = await ways.get(way, host, '/');
    expect({ status, body: JSON.parse(body) }).toEqual({
      status: 502,
      body: { code: 'INTERNAL', message: `The backend's answer cannot be forwarded: ${objection}.` },
    });
    // `backend` has asked, too; still there is one line.
    const lines = () =>
      ways.world.proxy.lines.filter((line) => line.includes(id) && line.includes(objection));
    await eventually(() => lines().length === 1);
    expect(lines()[0]).toMatch(/"level":"?(?:warn|40)/);
  });
});

it('answers that cannot be forwarded are counted apart from backends that cannot be reached', async () => {
  const { body } = await request({ port: ways.world.adminPort, host: '127.0.0.1', path: '/metrics' });
  expect(body).toMatch(
    /spawner_proxy_requests_total\{[^}]*outcome="bad_answer"[^}]*status="5xx"[^}]*\} [1-9]/,
  );
  expect(body).not.toContain('outcome="bad_gateway"');
  expect(body).not.toMatch(/spawner_proxy_upstream_failures_total(?:\{[^}]*\})? [1-9]/);
});
