import type { IncomingHttpHeaders } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import { isNavigation, patienceOf } from '../../edge/request.ts';
import { trustedAddresses } from '../../edge/trusted-addresses.ts';
import type { WebRequest } from './node-http.ts';
import { NodeRequest, type RequestKind } from './request-parser.ts';

const id = 'abcdefghijklmnopqrstuvwxyz';
const host = `${id}.mydomain.test`;
const OPTIONS = { clusterDomain: 'mydomain.test', maxHeaderBytes: 16_384, trust: trustedAddresses([]) };

interface Fields {
  method: string;
  url: string;
  httpVersion: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  kind: RequestKind;
  /** HTTP/2: whether the stream ended with its headers. */
  endAfterHeaders: boolean;
}

function read({ kind = 'request', endAfterHeaders, ...fields }: Partial<Fields>): NodeRequest {
  const headers = { host, ...(kind === 'upgrade' ? { upgrade: 'websocket' } : {}), ...fields.headers };
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  const req = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders, socket: {}, ...fields, headers };
  if (endAfterHeaders === undefined) return new NodeRequest(req as unknown as WebRequest, kind, OPTIONS);
  const properties = { ...req, stream: { endAfterHeaders } };
  const http2 = Object.create(
    Http2ServerRequest.prototype,
    Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, { value }])),
  );
  return new NodeRequest(http2, kind, OPTIONS);
}

describe('NodeRequest', () => {
  it('finds the backend by host, whatever its case, port or final dot', () => {
    for (const name of [host, `${host}:8000`, `${host}.`, host.toUpperCase()])
      expect(read({ headers: { host: name } })).toMatchObject({ backendId: id, host: name });
    for (const name of ['mydomain.test', `x.${host}`, `${host}.evil`, `${id}xmydomain.test`, ''])
      expect(read({ headers: { host: name } }).backendId).toBeUndefined();
  });

  it.each([
    ['/a//b?c#d', '/a//b?c#d'],
    [`http://${host}/a?b`, '/a?b'],
    [`http://${host.toUpperCase()}`, '/'],
    [`https://${host}?b`, '/?b'],
  ])('takes the target %s as %s', (url, path) => {
    expect(read({ url })).toMatchObject({ path, refusal: undefined });
  });

  it.each<[string, Partial<Fields>]>([
    ['another host in the target', { url: 'http://evil/' }],
    ['credentials in the target', { url: `http://u:p@${host}/` }],
    ['a target for no backend', { url: '*' }],
    ['a target without a slash', { url: 'a' }],
    ['a control character', { url: '/a\x01' }],
    ['a character that is no byte', { url: '/\u{1f600}' }],
    ['two Host headers', { rawHeaders: ['Host', host, 'hOST', host] }],
    ['a coding besides chunked', { headers: { 'transfer-encoding': 'gzip, chunked' } }],
    ['chunked of HTTP/1.0', { httpVersion: '1.0', headers: { 'transfer-encoding': 'chunked' } }],
    ['a Host beside another :authority', { endAfterHeaders: true, headers: { ':authority': `x${host}` } }],
    ['a handshake with a body', { kind: 'upgrade', headers: { 'content-length': '1' } }],
    ['a handshake of HTTP/1.0', { kind: 'upgrade', httpVersion: '1.0' }],
    ['HTTP/2 on a connection of HTTP/1', { httpVersion: '2.0' }],
    ['HTTP/0.9', { httpVersion: '0.9' }],
    ['a coding in disguise', { rawHeaders: ['Host', host, 'Transfer_Encoding', 'chunked'] }],
    ['a length in disguise', { rawHeaders: ['Host', host, 'content_LENGTH', '5'] }],
    ['no Host in HTTP/1.1', { rawHeaders: ['Accept', '*/*'] }],
    ['a host with a path', { headers: { host: `${host}/a` } }],
    ['a host with a user', { headers: { host: `a@${host}` } }],
    ['two hosts in one line', { headers: { host: `${host}, ${host}` } }],
    ['a port that is no number', { headers: { host: `${host}:http` } }],
    ['a handshake that is no GET', { kind: 'upgrade', method: 'POST' }],
  ])('refuses %s', (_what, fields) => {
    expect(read(fields).refusal?.status).toBe(400);
  });

  it.each([
    [{}, false, false],
    [{ headers: { 'content-length': '0' } }, false, false],
    [{ headers: { 'content-length': '7' } }, false, true],
    [{ headers: { 'transfer-encoding': 'Chunked' } }, true, true],
    [{ endAfterHeaders: true }, false, false],
    [{ endAfterHeaders: false }, true, true],
    [{ endAfterHeaders: false, headers: { 'content-length': '7' } }, false, true],
  ])('of %j says chunked: %s, body: %s', (fields, chunked, hasBody) => {
    expect(read(fields)).toMatchObject({ chunked, hasBody, refusal: undefined });
  });

  it.each([
    [{ accept: 'text/html' }, true],
    [{ accept: '*/*', 'upgrade-insecure-requests': '1' }, true],
    [{ accept: 'text/html', 'sec-fetch-mode': 'cors' }, false],
    [{ 'sec-fetch-mode': 'navigate' }, true],
    [{ accept: 'application/json' }, false],
  ])('with %j is a navigation: %s', (headers, navigation) => {
    expect(isNavigation(read({ headers }))).toBe(navigation);
    expect(isNavigation(read({ headers, method: 'POST' }))).toBe(false);
  });

  it('reads how long the client would wait', () => {
    expect(patienceOf(read({ headers: { prefer: 'respond-async, wait=2' } }))).toBe(2_000);
    expect(patienceOf(read({ headers: { prefer: 'await=2' } }))).toBeUndefined();
  });
});
