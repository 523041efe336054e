import { Backend, BackendState } from '@spawner/proto/v1/backend';
import { crankedClock } from '@spawner/testkit';
import { eventStream, revisionOf } from './events.ts';

const record = (revision: number) => ({
  backend: Backend.fromPartial({ id: 'x', state: BackendState.READY, revision }),
});

describe('eventStream', () => {
  it('writes records as events, and a comment every 15 seconds of quiet', async () => {
    const clock = crankedClock();
    async function* records() {
      yield record(3);
      await clock.sleep(31_000);
      yield record(4);
    }
    const chunks: string[] = [];
    const done = (async () => {
      for await (const chunk of eventStream(records(), clock)) chunks.push(chunk);
    })();
    await clock.advance(30_000);
    await clock.advance(1_000);
    await done;
    const data = (revision: number) =>
      JSON.stringify({ id: 'x', state: 'READY', revision, url: '', idleTimeoutMs: 0 });
    expect(chunks).toEqual([
      'retry: 1000\n\n',
      `id: 3\ndata: ${data(3)}\n\n`,
      ':\n\n',
      ':\n\n',
      `id: 4\ndata: ${data(4)}\n\n`,
    ]);
    expect(clock.sleeping).toBe(0);
  });
  it('ends its source when its reader leaves', async () => {
    let ended = false;
    async function* records() {
      try {
        yield record(1);
        yield record(2);
      } finally {
        ended = true;
      }
    }
    for await (const chunk of eventStream(records(), crankedClock())) if (chunk.startsWith('id:')) break;
    expect(ended).toBe(true);
  });
});

describe('revisionOf', () => {
  it('takes a whole number and nothing else', () => {
    expect(['12', undefined, '', 'x', '-1', '9'.repeat(30)].map(revisionOf)).toEqual([12, 0, 0, 0, 0, 0]);
  });
});
