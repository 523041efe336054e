import { crankedClock, freePort } from '@spawner/testkit';
import { propagationTo } from './propagation.ts';

const challenge = { name: '_acme-challenge.cluster.test', value: 'v' };

describe('propagationTo', () => {
  it('names the server that does not answer, after a minute', async () => {
    const clock = crankedClock();
    const server = `127.0.0.1:${await freePort()}`;
    let failure: Error | undefined;
    const { signal } = new AbortController();
    const waiting = propagationTo([server], clock)([challenge], signal).catch((error: Error) => {
      failure = error;
    });
    while (clock.now() < 60_000 || !failure) await clock.advance(1_000);
    await waiting;
    expect(failure?.message).toBe(`dns server ${server} does not serve ${challenge.name}`);
    expect(failure?.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends when its signal aborts', async () => {
    const clock = crankedClock();
    const leaving = new AbortController();
    const propagation = propagationTo([`localhost:${await freePort()}`], clock);
    const waiting = propagation([challenge], leaving.signal);
    leaving.abort(new Error('stopping'));
    await expect(waiting).rejects.toThrow('stopping');
  });
});
