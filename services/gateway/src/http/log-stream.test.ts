import type { IncomingMessage } from 'node:http';
import { LogStream } from '@spawner/proto/v1/backend_service';
import { crankedClock } from '@spawner/testkit';
import type { PublicApi } from '../public-api.ts';
import { handlers } from './handlers.ts';
import { Query } from './query.ts';

/** The chunks of logs with a pause of 31 seconds between two lines. */
async function follow(accept: string): Promise<string[]> {
  const clock = crankedClock();
  const line = (text: string) => ({ stream: LogStream.STDOUT, time: undefined, text });
  async function* tailLogs() {
    yield line('one');
    await clock.sleep(31_000);
    yield line('two');
  }
  const api = { getBackend: async () => ({}), tailLogs } as unknown as PublicApi;
  const request = { headers: { accept } } as IncomingMessage;
  const { signal } = new AbortController();
  const call = { request, id: 'x', query: new Query(new URLSearchParams()), signal, streams: signal };
  const reply = await handlers(api, clock).tailLogs(call);
  if (reply.kind !== 'stream') throw new Error('not a stream');
  const chunks: string[] = [];
  const done = (async () => {
    for await (const chunk of reply.chunks) chunks.push(chunk);
  })();
  await clock.advance(31_000);
  await done;
  expect(clock.sleeping).toBe(0);
  return chunks;
}

describe('the logs of a quiet program', () => {
  it('have an empty line every 15 seconds where they are JSON lines, so that clients do not take them for broken off', async () => {
    const json = (text: string) => `${JSON.stringify({ stream: 'STDOUT', text })}\n`;
    expect(await follow('application/x-ndjson')).toEqual([json('one'), '\n', '\n', json('two')]);
  });

  it('have nothing but what it wrote where they are text', async () => {
    expect(await follow('*/*')).toEqual(['one\n', 'two\n']);
  });
});
