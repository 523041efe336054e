import { createServer } from 'node:http';
import { serve } from './proxy-fixture.ts';
import { startThreeWays, type ThreeWays, WAYS } from './proxy-three-ways.ts';

jest.setTimeout(30_000);

let scene: ThreeWays;

beforeAll(async () => {
  scene = await startThreeWays();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

describe('a redirect of a backend', () => {
  it.each(WAYS)('to its own port leads back to the edge, as often as it is sent, over %s', async (way) => {
    await using server = await serve(
      createServer((req, res) => {
        const host = req.headers.host?.replace(/:.*/, '');
        res
          .writeHead(301, { Location: `http://${host}:${req.socket.localPort}${req.url}`, 'X-Other': 'kept' })
          .end();
      }),
    );
    const { host } = await scene.world.backend(server);
    const port = way === 'HTTP' ? scene.world.port : scene.world.httpsPort;
    const scheme = way === 'HTTP' ? 'http' : 'https';
    for (let turn = 0; turn < 3; turn++) {
      const named: Record<string, string> = way === 'HTTP/2' ? {} : { host: `${host}:${port}` };
      const ask = { host, path: '/sub/', headers: named };
      const { body: sent, answered } = scene.ask(way, ask);
      sent.end();
      const { headers, body } = await answered;
      body.resume();
      const authority = way === 'HTTP/2' ? host : `${host}:${port}`;
      expect(headers.location).toBe(`${scheme}://${authority}/sub/`);
      expect(headers['x-other']).toBe('kept');
    }
  });
});
