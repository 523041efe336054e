import { createServer } from 'node:net';
import { type Bus, openBus, SUBJECTS } from '@spawner/bus';
import { BackendLog } from '@spawner/proto/internal/telemetry';
import { eventually, type Nats, startNats, testLog } from '@spawner/testkit';

const log = testLog();

describe('the bus', () => {
  let nats: Nats;
  let bus: Bus;
  let heard: string[];
  beforeAll(async () => {
    nats = await startNats();
    bus = await openBus(nats.url, 'test', log);
  });
  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });
  beforeEach(() => {
    heard = [];
  });

  const hear = async (id?: string) => {
    const subscribed = bus.subscribe(SUBJECTS.backendLog, id, ({ line }) => heard.push(line?.text ?? ''));
    await subscribed.established();
    return { [Symbol.dispose]: () => subscribed.close() };
  };
  const say = (id: string, text: string) =>
    bus.publish(SUBJECTS.backendLog, id, BackendLog.fromPartial({ line: { text } }));
  const garbage = { encode: () => ({ finish: () => Buffer.from([0x0a, 0xff]) }), decode: BackendLog.decode };

  it('continues after a message that it cannot decode', async () => {
    using _ = await hear();
    bus.publish({ ...SUBJECTS.backendLog, codec: garbage }, 'a', BackendLog.fromPartial({}));
    say('a', 'good');
    await eventually(() => heard.includes('good'));
    expect(heard).toEqual(['good']);
  });

  it('receives again after NATS was restarted, without subscribing again', async () => {
    using _ = await hear('a');
    await nats.restart();
    await eventually(() => bus.connected);
    await eventually(() => {
      say('a', 'after');
      expect(heard).toContain('after');
    });
  });

  it('reconnects after a thousand failed attempts, however long NATS was away', async () => {
    await using own = await startNats();
    const patient = await openBus(own.url, 'test', log, { waitMs: 1 });
    try {
      const subscribed = patient.subscribe(SUBJECTS.backendLog, 'a', ({ line }) =>
        heard.push(line?.text ?? ''),
      );
      await subscribed.established();
      await own.kill();
      let attempts = 0;
      const refusing = createServer((socket) => {
        attempts += 1;
        socket.destroy();
      }).listen(own.port, '127.0.0.1');
      try {
        await eventually(() => attempts > 1_000, { timeoutMs: 120_000 });
      } finally {
        await new Promise((resolve) => refusing.close(resolve));
      }
      await own.start();
      await eventually(() => {
        patient.publish(SUBJECTS.backendLog, 'a', BackendLog.fromPartial({ line: { text: 'after' } }));
        expect(heard).toContain('after');
      });
    } finally {
      await patient.close();
    }
  });

  it('goes without a message that is larger than NATS takes, and sends the next', async () => {
    using _ = await hear('a');
    say('a', 'x'.repeat(2 * 1024 * 1024));
    say('a', 'small');
    await eventually(() => heard.includes('small'));
    expect(heard).toEqual(['small']);
    expect(bus.connected).toBe(true);
  });
});
