import { Node } from '@spawner/proto/internal/node';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { hasSpoken, testify } from './testimony.ts';

const activity = { id: '', open: 0, ageMs: 500 };
const reply = (registration: number, unused: boolean): SettleReply => ({
  ...{ activity, held: 0 },
  ...{ registration, unused },
});
const listed = Node.fromPartial({ id: 'p', registration: 10, replacedRegistration: 9 });
const report = { registration: 8, open: 1, heardAt: 0 };

/** The process of registration N died at N. */
const died =
  (...registrations: number[]) =>
  (_: string, registration: number) =>
    registrations.includes(registration) ? registration : undefined;

describe('a testimony', () => {
  it('has the reply of a process that can speak for itself', () => {
    const own = reply(10, false);
    expect(testify({ proxyId: 'p', reply: own, listed }, died(9, 10))).toEqual({ proxyId: 'p', reply: own });
  });

  it('has the death of a proxy that did not answer, by its latest registration', () => {
    expect(testify({ proxyId: 'p', listed, report }, died(8, 10)).deadBy).toBe(10);
    expect(testify({ proxyId: 'p', listed, report: { ...report, registration: 11 } }, died(11)).deadBy).toBe(
      11,
    );
  });

  it('has no death if the proxy verified the backend since, because another process may have done so', () => {
    expect(testify({ proxyId: 'p', listed, report: { ...report, verified: true } }, died(8, 10))).toEqual({
      proxyId: 'p',
    });
  });

  it('has the death of the predecessor of a process that was not used', () => {
    expect(testify({ proxyId: 'p', reply: reply(10, true), listed }, died(9)).deadBy).toBe(9);
    expect(testify({ proxyId: 'p', reply: reply(11, true), listed }, died(10)).deadBy).toBe(10);
  });

  it('drops the reply of an unregistered process unless its predecessor is certainly dead', () => {
    const early = { proxyId: 'p', reply: reply(0, true), listed };
    expect(hasSpoken(testify(early, died()))).toBe(false);
    expect(testify(early, died(10))).toEqual({ proxyId: 'p', reply: early.reply, deadBy: 10 });
  });
});
