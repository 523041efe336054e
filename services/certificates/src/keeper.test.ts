import { createLog } from '@spawner/service';
import { type CrankedClock, crankedClock, eventually } from '@spawner/testkit';
import { makeAuthority, signServerCertificate } from './authority/x509.ts';
import { encodeCertificate, usableCertificate } from './certificate.ts';
import { Keeper } from './keeper.ts';
import { createMetrics } from './metrics.ts';

const MINUTE = 60_000;
const domains = ['cluster.test', '*.cluster.test'];
const log = createLog('test', 'silent');
const never = new AbortController().signal;
const authority = makeAuthority('Test', {
  notBefore: new Date('2020-01-01T00:00:00Z'),
  notAfter: new Date('2040-01-01T00:00:00Z'),
});
const certificateFrom = async (start: Date, minutes: number) =>
  signServerCertificate(await authority, domains, {
    notBefore: start,
    notAfter: new Date(start.getTime() + minutes * MINUTE),
  });

/** A store, an issue lock and an issuer of certificates that last an hour. Services share them. */
function scene(clock: CrankedClock = crankedClock()) {
  const shared = {
    clock,
    stored: undefined as Buffer | undefined,
    lockedUntil: 0,
    issues: 0,
    fault: undefined as Error | undefined,
  };
  const service = () => {
    const store = {
      certificate: async () => shared.stored,
      saveCertificate: async (_issuer: string, _domains: readonly string[], bytes: Buffer) => {
        shared.stored = bytes;
      },
    };
    const lock = {
      take: async () => {
        if (clock.now() < shared.lockedUntil) return false;
        shared.lockedUntil = clock.now() + 30_000;
        return true;
      },
      whileHeld: <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) => work(signal),
      release: async (ms: number) => {
        shared.lockedUntil = clock.now() + ms;
      },
    };
    const issuer = {
      name: 'test',
      prepare: async () => {},
      issue: async () => {
        shared.issues += 1;
        if (shared.fault) throw shared.fault;
        return certificateFrom(clock.wall(), 60);
      },
    };
    const random = () => 0.5;
    return new Keeper({ domains, issuer, store, lock, clock, log, metrics: createMetrics(), random });
  };
  return { shared, service };
}

/** Takes a turn every five seconds for `ms`. */
async function run(keeper: Keeper, clock: CrankedClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await keeper.turn(never);
    await clock.advance(5_000);
  }
}

describe('Keeper', () => {
  it('gets a certificate at once, and the next when a third of its lifetime is left', async () => {
    const { shared, service } = scene();
    const keeper = service();
    await run(keeper, shared.clock, 40 * MINUTE);
    expect(shared.issues).toBe(1);
    const first = keeper.current;
    await run(keeper, shared.clock, 2 * MINUTE);
    expect(shared.issues).toBe(2);
    expect(keeper.current!.notAfter.getTime()).toBeGreaterThan(first!.notAfter.getTime());
  });

  it('streams the current certificate and every later one to its followers, until they leave', async () => {
    const { shared, service } = scene();
    const keeper = service();
    const leaving = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { chainPem } of keeper.follow(leaving.signal)) seen.push(chainPem);
    })();
    await run(keeper, shared.clock, 45 * MINUTE);
    await eventually(() => expect(seen).toHaveLength(2));
    expect(seen[1]).toBe(keeper.current?.chainPem);
    leaving.abort();
    await following;
  });

  it('issues once for many services', async () => {
    const { shared, service } = scene();
    const keepers = [service(), service(), service()];
    await Promise.all(keepers.map((keeper) => keeper.turn(never)));
    await Promise.all(keepers.map((keeper) => keeper.turn(never)));
    expect(shared.issues).toBe(1);
    expect(new Set(keepers.map(({ current }) => current?.chainPem)).size).toBe(1);
  });

  it('takes the stored certificate after a restart, and one that another service got', async () => {
    const { shared, service } = scene();
    const first = service();
    await first.turn(never);
    const second = service();
    await second.turn(never);
    expect([shared.issues, second.current]).toEqual([1, first.current]);
    const later = await certificateFrom(shared.clock.wall(), 90);
    shared.stored = encodeCertificate(usableCertificate(later, domains, shared.clock.wall()));
    await second.turn(never);
    expect(second.current?.chainPem).toBe(later.chainPem);
  });

  it('puts its certificate back into a store that lost it, instead of asking for another', async () => {
    const { shared, service } = scene();
    const keeper = service();
    await keeper.turn(never);
    const before = shared.stored;
    shared.stored = undefined;
    await keeper.turn(never);
    expect(shared.stored).toEqual(before);
    expect(shared.issues).toBe(1);
  });

  it.each([
    ['garbage', async () => Buffer.from('garbage')],
    [
      'an expired certificate',
      async () => {
        const start = new Date('2023-01-01T00:00:00Z');
        return encodeCertificate(usableCertificate(await certificateFrom(start, 60), domains, start));
      },
    ],
  ])('gets a new certificate if the stored one is %s', async (_, stored) => {
    const { shared, service } = scene();
    shared.stored = await stored();
    const keeper = service();
    await keeper.turn(never);
    expect(shared.issues).toBe(1);
    expect(keeper.current).toBeDefined();
  });

  it('asks a failing issuer more and more rarely, and gets the certificate once it recovers', async () => {
    const { shared, service } = scene();
    const keeper = service();
    shared.fault = new Error('no');
    await run(keeper, shared.clock, 10 * MINUTE);
    const early = shared.issues;
    expect(early).toBeGreaterThanOrEqual(4);
    expect(early).toBeLessThanOrEqual(7);
    await run(keeper, shared.clock, 6 * 60 * MINUTE);
    expect(shared.issues - early).toBeLessThanOrEqual(16);
    shared.fault = undefined;
    await run(keeper, shared.clock, 61 * MINUTE);
    expect(keeper.current).toBeDefined();
  });

  it('does not ask a failing issuer sooner after a restart', async () => {
    const { shared, service } = scene();
    shared.fault = new Error('no');
    await service().turn(never);
    await service().turn(never);
    expect(shared.issues).toBe(1);
    await shared.clock.advance(31_000);
    await service().turn(never);
    expect(shared.issues).toBe(2);
  });

  it('keeps serving the old certificate while the new one fails', async () => {
    const { shared, service } = scene();
    const keeper = service();
    await keeper.turn(never);
    const first = keeper.current;
    shared.fault = new Error('no');
    await run(keeper, shared.clock, 50 * MINUTE);
    expect(shared.issues).toBeGreaterThan(1);
    expect(keeper.current).toEqual(first);
  });
});
