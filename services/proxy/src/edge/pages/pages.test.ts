import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { endReply } from '../end-reply.ts';
import { REPLIES, replyTo } from '../replies.ts';

const NO_PAGES = { endRedirectUrl: undefined, endPage: undefined, startAgainUrl: undefined };
const UNSENT: EndReason[] = [EndReason.UNSPECIFIED];
const reasons = Object.entries(EndReason).filter(([, reason]) => !UNSENT.includes(reason));
const { TERMINATING, TERMINATED, STARTING } = BackendState;

/** Every reply for a session with this state, as the edge gives it to browsers or to programs. */
const gone = (state: BackendState, reason: EndReason, html = true) =>
  endReply({ id: 'abc', state, reason, pages: undefined }, html ? 'browser' : 'program', NO_PAGES);

/** The text that a page shows: without its scripts and styles. */
function textOf(body: string): string {
  return body.replace(/<(script|style)>.*?<\/\1>/gs, '').replace(/<[^>]*>/g, '\n');
}

function headingOf(body: string): string | undefined {
  return /<h1>(.*?)<\/h1>/.exec(body)?.[1];
}

const pages: [string, string][] = [
  ...reasons.flatMap(([name, reason]): [string, string][] => [
    [`an end as ${name}`, gone(TERMINATED, reason).body],
    [`the beginning of an end as ${name}`, gone(TERMINATING, reason).body],
  ]),
  ['an end without a known reason', gone(TERMINATED, EndReason.UNSPECIFIED).body],
  ['a start', replyTo({ kind: 'waiting', state: STARTING }, true).body],
  ['a late start', replyTo({ kind: 'late', state: STARTING }, true).body],
  ['an unknown host', REPLIES.unknown(true).body],
  ['a backend that does not answer', REPLIES.badGateway(true).body],
  ['a program that restarts', REPLIES.restarting(true, true).body],
  ['a form that was sent to such a program', REPLIES.restarting(true, false).body],
  ['a silent drone', REPLIES.away(true).body],
  ['a missing token', REPLIES.unauthorized(true).body],
  ['too many requests', REPLIES.tooManyRequests(true).body],
  ['too many connections', REPLIES.tooManyConnections(true).body],
  ['a full hold queue', REPLIES.busy(true).body],
  ['a bad request', REPLIES.badRequest('its target is not valid', true).body],
  ['too large headers', REPLIES.headersTooLarge(true).body],
  ['an unsupported expectation', REPLIES.unknownExpectation(true).body],
  ...(['unreachable', 'unsure', 'unverified', 'closed'] as const).map((kind): [string, string] => [
    `a request that is ${kind}`,
    replyTo({ kind }, true).body,
  ]),
];

describe('the pages of the edge', () => {
  it.each(pages)('for %s have words of their users, in the title too', (_, body) => {
    const text = textOf(body);
    expect(text).not.toMatch(/[A-Z]{2,}|backend|drone|container|token|undefined|\b\d{3}\b/);
    expect(body).toContain(`<title>${headingOf(body)}</title>`);
    expect(headingOf(body)).toMatch(/^[A-Z][a-z]+ [a-z' ]+…?$/);
    expect(body).toMatch(/^<!doctype html><html lang="en">.*prefers-color-scheme:dark.*<main>/s);
  });

  it('say why a session ended: each reason has a sentence of its own', () => {
    const sentences = reasons.map(([, reason]) => textOf(gone(TERMINATED, reason).body).trim());
    expect(new Set(sentences).size).toBe(reasons.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^Your session has ended\n+.+\.$/s);
    expect(reasons.length).toBeGreaterThan(11);
  });

  it.each([
    [TERMINATING, 'Your session is ending', 'This session is ending.', 'TERMINATING'],
    [TERMINATED, 'Your session has ended', 'This session has ended.', 'TERMINATED'],
  ])('in state %i say so, and give programs the code', (state, heading, message, name) => {
    const page = gone(state, EndReason.IDLE);
    expect([page.status, headingOf(page.body)]).toEqual([410, heading]);
    expect(textOf(page.body)).toContain('It was not used for a while.');
    const plain = gone(state, EndReason.IDLE, false);
    expect(JSON.parse(plain.body)).toEqual({ code: 'GONE', message, reason: 'IDLE' });
    for (const { headers } of [page, plain]) expect(headers).toMatchObject({ 'X-Spawner-State': name });
  });

  it('try a navigation again while a program restarts, and never a form, which would be sent twice', () => {
    expect(REPLIES.restarting(true, true).body).toContain('location.reload()');
    expect(REPLIES.restarting(true, false).body).not.toMatch(/script|refresh/);
  });

  it('of a reason from a newer peer say that it ended, without a reason', () => {
    const text = textOf(gone(TERMINATED, 99 as EndReason).body);
    expect(text.trim().split(/\n+/)).toEqual(['Your session has ended', 'Your session has ended']);
  });
});
