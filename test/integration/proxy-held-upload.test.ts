import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '@spawner/testkit';
import { MIB, mostDuring, residentBytes } from '../conformance/streams/memory.ts';
import { serve } from './proxy-fixture.ts';
import { startThreeWays, type ThreeWays, WAYS, type Way } from './proxy-three-ways.ts';

const UPLOADS = 40;
const PIECE = randomBytes(MIB);
const PIECES = 8;
const WHOLE_BYTES = PIECES * MIB;
const DIGEST = digestOf(Array.from({ length: PIECES }, () => PIECE));

function digestOf(pieces: readonly Buffer[]): string {
  const digest = createHash('sha256');
  for (const piece of pieces) digest.update(piece);
  return digest.digest('hex');
}

/** Bytes that the clients sent and the proxy did not read are in the kernel, not in the proxy. */
const MOST_GROWTH = 24 * MIB;

describe.each([
  ...WAYS.map((way) => [way, 'with a length', { 'content-length': String(WHOLE_BYTES) }] as const),
  ['HTTP' as Way, 'in chunks', { 'transfer-encoding': 'chunked' }] as const,
])('large uploads by %s, %s', (way, _framing, headers) => {
  let ways: ThreeWays;
  beforeAll(async () => {
    ways = await startThreeWays();
  });
  afterAll(() => ways?.[Symbol.asyncDispose]());

  it('stay with their clients while the backend starts, and go whole when it is ready', async () => {
    await using upstream = await serve(
      createServer((req, res) => {
        const digest = createHash('sha256');
        req.on('data', (chunk: Buffer) => digest.update(chunk));
        req.on('end', () => res.end(digest.digest('hex')));
      }),
    );
    const { world } = ways;
    const { id, host } = await world.startingBackend();
    const answers: Promise<{ status: number; text: string }>[] = [];
    const before = await residentBytes(world.proxy.pid);
    const most = await mostDuring(world.proxy.pid, async () => {
      for (let n = 0; n < UPLOADS; n++) {
        const { body, answered } = ways.ask(way, { host, path: '/', method: 'POST', headers });
        for (let piece = 0; piece < PIECES; piece++) body.write(PIECE);
        body.end();
        answers.push(
          answered.then(async ({ status, body: answer }) => {
            let text = '';
            for await (const chunk of answer) text += chunk;
            return { status, text };
          }),
        );
      }
      await eventually(async () => expect((await world.ask(id, 0)).held).toBe(UPLOADS));
      // Time in which a proxy that reads on would.
      await wait(2_000);
    });
    expect(most - before).toBeLessThan(MOST_GROWTH);
    expect((await world.ask(id, 0)).held).toBe(UPLOADS);
    await world.ready(id, upstream.port);
    for (const answer of answers) expect(await answer).toEqual({ status: 200, text: DIGEST });
  });
});
