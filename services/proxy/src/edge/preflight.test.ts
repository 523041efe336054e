import { preflighted } from './preflight.ts';
import { REPLIES } from './replies.ts';

const ASKED = { origin: 'https://app.example', 'access-control-request-method': 'POST' };

const asking = (headers: Record<string, string>, method = 'OPTIONS', upgrade = false) => ({
  ...{ method, upgrade },
  header: (name: string) => headers[name],
});

describe('a preflight that the edge would refuse', () => {
  it.each([
    REPLIES.unauthorized(false),
    REPLIES.unknown(true),
    REPLIES.badGateway(false),
    REPLIES.restarting(true, true),
  ])('may be followed by its request: $status', (refusal) => {
    const wanted = { ...ASKED, 'access-control-request-headers': 'authorization,content-type' };
    expect(preflighted(asking(wanted), refusal)).toMatchObject({
      status: 204,
      body: '',
      headers: {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Methods': 'POST',
        'Access-Control-Allow-Headers': 'authorization,content-type',
      },
    });
  });

  it('is never allowed to bring cookies, or to put its own text into the reply', () => {
    const forged = { ...ASKED, 'access-control-request-headers': 'a\r\nSet-Cookie: b' };
    const { headers } = preflighted(asking(forged), REPLIES.unauthorized(false));
    expect(Object.keys(headers)).not.toContain('Access-Control-Allow-Headers');
    expect(Object.keys(headers)).not.toContain('Access-Control-Allow-Credentials');
  });

  it.each([
    ['another method', asking(ASKED, 'GET')],
    ['no origin', asking({ ...ASKED, origin: undefined as never })],
    ['no method that is asked for', asking({ origin: 'https://app.example' })],
    ['a handshake', asking(ASKED, 'OPTIONS', true)],
  ])('is an ordinary request with %s', (_, request) => {
    const refusal = REPLIES.unauthorized(false);
    expect(preflighted(request, refusal)).toBe(refusal);
  });

  it('is not exempt from the limits of requests', () => {
    const refusal = REPLIES.tooManyRequests(false);
    expect(preflighted(asking(ASKED), refusal)).toBe(refusal);
  });
});
