import { type RawHead, readHead } from './request-parser.ts';

const id = 'abcdefghijklmnopqrstuvwxyz';
const host = `${id}.mydomain.test`;

function read(fields: Partial<RawHead>) {
  const headers = { host, ...fields.headers };
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  return readHead(
    { method: 'GET', target: '/', httpVersion: '1.1', rawHeaders, upgrade: false, ...fields, headers },
    'mydomain.test',
  );
}

const head = (fields: Partial<RawHead>) => {
  const verdict = read(fields);
  if (!verdict.ok) throw new Error(verdict.why);
  return verdict.head;
};

describe('readHead', () => {
  it('finds the backend by host, whatever its case, port or final dot', () => {
    for (const name of [host, `${host}:8000`, `${host}.`, host.toUpperCase()])
      expect(head({ headers: { host: name } })).toMatchObject({ backendId: id, host: name });
    for (const name of ['mydomain.test', `x.${host}`, `${host}.evil`, `${id}xmydomain.test`, ''])
      expect(head({ headers: { host: name } }).backendId).toBeUndefined();
  });

  it.each([
    ['/a//b?c#d', '/a//b?c#d'],
    [`http://${host}/a?b`, '/a?b'],
    [`http://${host.toUpperCase()}`, '/'],
    [`https://${host}?b`, '/?b'],
  ])('takes the target %s as %s', (target, path) => {
    expect(head({ target }).path).toBe(path);
  });

  it.each([
    ['another host in the target', { target: 'http://evil/' }],
    ['credentials in the target', { target: `http://u:p@${host}/` }],
    ['a target for no backend', { target: '*' }],
    ['a target without a slash', { target: 'a' }],
    ['a control character', { target: '/a\x01' }],
    ['a character that is no byte', { target: '/\u{1f600}' }],
    ['two Host headers', { rawHeaders: ['Host', host, 'hOST', host] }],
    ['a coding besides chunked', { headers: { 'transfer-encoding': 'gzip, chunked' } }],
    ['chunked of HTTP/1.0', { httpVersion: '1.0', headers: { 'transfer-encoding': 'chunked' } }],
    ['a Host beside another :authority', { authority: `x${host}` }],
    ['a handshake with a body', { upgrade: true, headers: { 'content-length': '1' } }],
    ['a handshake of HTTP/1.0', { upgrade: true, httpVersion: '1.0' }],
    ['HTTP/2 on a connection of HTTP/1', { httpVersion: '2.0' }],
    ['HTTP/0.9', { httpVersion: '0.9' }],
    ['a coding in disguise', { rawHeaders: ['Host', host, 'Transfer_Encoding', 'chunked'] }],
    ['a length in disguise', { rawHeaders: ['Host', host, 'content_LENGTH', '5'] }],
    ['no Host in HTTP/1.1', { rawHeaders: ['Accept', '*/*'] }],
    ['a host with a path', { headers: { host: `${host}/a` } }],
    ['a host with a user', { headers: { host: `a@${host}` } }],
    ['two hosts in one line', { headers: { host: `${host}, ${host}` } }],
    ['a port that is no number', { headers: { host: `${host}:http` } }],
    ['a handshake that is no GET', { upgrade: true, method: 'POST' }],
  ])('refuses %s', (_what, fields) => {
    expect(read(fields)).toEqual({ ok: false, why: expect.any(String) });
  });

  it.each([
    [{}, false, false],
    [{ headers: { 'content-length': '0' } }, false, false],
    [{ headers: { 'content-length': '7' } }, false, true],
    [{ headers: { 'transfer-encoding': 'Chunked' } }, true, true],
    [{ bodiless: true }, false, false],
    [{ bodiless: false }, true, true],
    [{ bodiless: false, headers: { 'content-length': '7' } }, false, true],
  ])('of %j says chunked: %s, body: %s', (fields, chunked, hasBody) => {
    expect(head(fields)).toMatchObject({ chunked, hasBody });
  });

  it.each([
    [{ accept: 'text/html' }, true],
    [{ accept: '*/*', 'upgrade-insecure-requests': '1' }, true],
    [{ accept: 'text/html', 'sec-fetch-mode': 'cors' }, false],
    [{ 'sec-fetch-mode': 'navigate' }, true],
    [{ accept: 'application/json' }, false],
  ])('with %j is a navigation: %s', (headers, navigation) => {
    expect(head({ headers }).navigation).toBe(navigation);
    expect(head({ headers, method: 'POST' }).navigation).toBe(false);
  });

  it('reads how long the client would wait', () => {
    expect(head({ headers: { prefer: 'respond-async, wait=2' } }).patienceMs).toBe(2_000);
    expect(head({ headers: { prefer: 'await=2' } }).patienceMs).toBeUndefined();
  });
});
