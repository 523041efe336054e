import fc from 'fast-check';
import { eventsOf } from './events.ts';
import { linesOf } from './lines.ts';

function streamOf(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const bounds = [0, ...at, bytes.length];
  return new ReadableStream({
    start(controller) {
      for (let n = 1; n < bounds.length; n++) controller.enqueue(bytes.slice(bounds[n - 1], bounds[n]));
      controller.close();
    },
  });
}
async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of from) parts.push(part);
  return parts;
}
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('eventsOf', () => {
  const text =
    'retry: 1000\n\n:\n\nid: 1\ndata: {"ä":1}\n\n: quiet\n\nid:2\r\ndata:a\r\ndata: b\r\n\r\ndata: cut off';
  it('reads events however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), async (cuts) => {
        expect(await all(eventsOf(streamOf(bytesOf(text), cuts), 1_000))).toEqual([
          { id: '1', data: '{"ä":1}' },
          { id: '2', data: 'a\nb' },
        ]);
      }),
    );
  });
});

describe('linesOf', () => {
  it('gives the last line though it has no end', async () => {
    expect(await all(linesOf(streamOf(bytesOf('a\n\nb'), [])))).toEqual(['a', '', 'b']);
  });
  it('throws when nothing comes for too long, and lets the stream go', async () => {
    let cancelled = false;
    const silent = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    await expect(all(linesOf(silent, 10))).rejects.toThrow('silent for 10 ms');
    expect(cancelled).toBe(true);
  });
});
