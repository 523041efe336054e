import { createServer } from 'node:http';
import { serve } from './proxy-fixture.ts';
import { startThreeWays, type ThreeWays, WAYS } from './proxy-three-ways.ts';

jest.setTimeout(30_000);

let scene: ThreeWays;

beforeAll(async () => {
  scene = await startThreeWays();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

describe('the name of a session', () => {
  it.each(WAYS)(
    'stays out of what its pages send to other sites, unless they want it, over %s',
    async (way) => {
      await using server = await serve(
        createServer((req, res) => {
          const type = req.url === '/data' ? 'application/json' : 'text/html; charset=utf-8';
          const own: Record<string, string> = req.url === '/own' ? { 'Referrer-Policy': 'unsafe-url' } : {};
          res.writeHead(200, { 'Content-Type': type, ...own }).end('{}');
        }),
      );
      const { host } = await scene.world.backend(server);
      const policyAt = async (path: string) => {
        const { body: sent, answered } = scene.ask(way, { host, path });
        sent.end();
        const { headers, body } = await answered;
        body.resume();
        return headers['referrer-policy'];
      };
      // Twice: the raw transport remembers the head of an answer.
      for (const path of ['/', '/', '/']) expect(await policyAt(path)).toBe('same-origin');
      expect([await policyAt('/own'), await policyAt('/data')]).toEqual(['unsafe-url', undefined]);
    },
  );
});
