import type { Bus } from './bus.ts';
import { DeferredBus } from './deferred-bus.ts';
import { SUBJECTS } from './subjects.ts';

/** A bus that records its calls. */
function noted() {
  const did: string[] = [];
  const closing = (what: string) => ({ close: () => void did.push(`closed ${what}`) });
  const bus: Bus = {
    connected: true,
    publish: (_subject, id) => void did.push(`published ${id}`),
    subscribe: (_subject, id) => {
      did.push(`subscribed ${id}`);
      return { ...closing(`${id}`), established: async () => void did.push('established') };
    },
    answer: (_question, id) => {
      did.push(`answers ${id}`);
      return closing(id);
    },
    ask: async (question, id) => {
      did.push(`asked ${id}`);
      return question.reply.decode(new Uint8Array());
    },
    close: async () => void did.push('closed'),
  };
  return { bus, did };
}

const look = { id: 'a' };
const question = { id: 'a', epoch: 1 };

describe('a deferred bus', () => {
  it('acts like a disconnected one before its bus is there', async () => {
    const { bus, did } = noted();
    const coming = new DeferredBus();
    coming.publish(SUBJECTS.backendLook, 'a', look);
    expect(coming.connected).toBe(false);
    await expect(coming.ask(SUBJECTS.settle, 'a', question, 1)).rejects.toThrow('not connected yet');
    coming.use(bus);
    expect([coming.connected, did]).toEqual([true, []]);
    coming.publish(SUBJECTS.backendLook, 'a', look);
    await coming.ask(SUBJECTS.settle, 'b', question, 1);
    expect(did).toEqual(['published a', 'asked b']);
  });

  it('applies earlier subscriptions and answers from then on', async () => {
    const { bus, did } = noted();
    const coming = new DeferredBus();
    const answering = coming.answer(SUBJECTS.settle, 'p', () => ({
      activity: undefined,
      held: 0,
      registration: 0,
      unused: false,
    }));
    const left = coming.answer(SUBJECTS.settle, 'q', () => ({
      activity: undefined,
      held: 0,
      registration: 0,
      unused: false,
    }));
    const heard = coming.subscribe(SUBJECTS.backendLook, 'b', () => {});
    left.close();
    coming.use(bus);
    await heard.established();
    expect(did).toEqual(['answers p', 'subscribed b', 'established']);
    answering.close();
    heard.close();
    expect(did.slice(3)).toEqual(['closed p', 'closed b']);
  });

  it('closes its bus with itself, even one that comes too late', async () => {
    for (const late of [false, true]) {
      const { bus, did } = noted();
      const coming = new DeferredBus();
      coming
        .answer(SUBJECTS.settle, 'p', () => ({
          activity: undefined,
          held: 0,
          registration: 0,
          unused: false,
        }))
        .close();
      if (late) await coming.close();
      coming.use(bus);
      if (!late) await coming.close();
      expect(did).toEqual(['closed']);
    }
  });
});
