import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { endReply, type Viewer } from '../end-reply.ts';
import { isRedirectTemplate, type PageSettings, type SessionEnd } from './own-pages.ts';

const ID = 'abcdefghijklmnopqrstuvwxyz';
const NONE: PageSettings = { endRedirectUrl: undefined, endPage: undefined, startAgainUrl: undefined };
const { TERMINATED, TERMINATING } = BackendState;

function answer(viewer: Viewer, settings: Partial<PageSettings>, end: Partial<SessionEnd> = {}) {
  const idle = { id: ID, state: TERMINATED, reason: EndReason.IDLE, pages: undefined };
  const { status, headers, body } = endReply({ ...idle, ...end }, viewer, { ...NONE, ...settings });
  return { status, headers, body };
}

const pages = (redirectUrl = '', startAgainUrl = '') => ({ pages: { redirectUrl, startAgainUrl } });

describe('the page of an application', () => {
  it.each([
    ['https://app.test/over', `https://app.test/over?reason=IDLE&state=TERMINATED&id=${ID}`],
    ['http://app.test', `http://app.test/?reason=IDLE&state=TERMINATED&id=${ID}`],
    ['https://app.test/?a=1&reason=x#b', `https://app.test/?a=1&reason=IDLE&state=TERMINATED&id=${ID}#b`],
  ])('at %s of the spec gets a navigation, with the reason in its query', (url, to) => {
    const { status, headers } = answer('navigation', { endRedirectUrl: 'https://cluster.test/' }, pages(url));
    expect([status, headers]).toEqual([
      303,
      { Location: to, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' },
    ]);
  });

  it('of the cluster gets it where the spec has none, and has the codes where it wants them', () => {
    const endRedirectUrl = 'https://app.test/{reason}/?id={id}&s={state}';
    const { headers } = answer('navigation', { endRedirectUrl }, { state: TERMINATING });
    expect(headers.Location).toBe(`https://app.test/IDLE/?id=${ID}&s=TERMINATING`);
  });

  it('gets no request but a navigation: a program has its 410, and a part of a page has a page', () => {
    const url = pages('https://app.test/');
    expect(answer('program', {}, url)).toMatchObject({
      status: 410,
      body: expect.stringMatching(/^\{"code"/),
    });
    expect(answer('browser', {}, url)).toMatchObject({
      status: 410,
      body: expect.stringMatching(/^<!doctype/),
    });
  });

  it.each(['javascript:alert(1)', 'https://a b/', '//app.test'])('is never %s', (url) => {
    const { status, body } = answer('navigation', {}, pages(url, url));
    expect([status, body.includes('app.test'), body.includes('href')]).toEqual([410, false, false]);
  });
});

describe('the link to start again', () => {
  it.each([
    ['of the cluster', pages(), 'https://cluster.test/new?a=1&#38;b=&#34;'],
    ['of the spec, which comes first', pages('', 'https://app.test/new'), 'https://app.test/new'],
  ])('is that %s', (_, own, href) => {
    const settings = { startAgainUrl: 'https://cluster.test/new?a=1&b="' };
    expect(answer('navigation', settings, own).body).toContain(`<a href="${href}">Start again</a>`);
    // Too early: the session still holds its key.
    expect(answer('navigation', settings, { ...own, state: TERMINATING }).body).not.toContain('Start again');
  });
});

describe("the cluster's template", () => {
  const endPage =
    '<style>p{color:red}</style><p>{text} {reason} {state} {id} {other}</p><a href="{start_again_url}">';

  it('takes the place of the page, with the words, the codes and the link', () => {
    const { status, headers, body } = answer('browser', { endPage, startAgainUrl: 'https://app.test/?a&b' });
    expect([status, headers['Content-Type']]).toEqual([410, 'text/html; charset=utf-8']);
    expect(headers).not.toHaveProperty('Content-Security-Policy');
    expect(body).toBe(
      `<style>p{color:red}</style><p>It was not used for a while. IDLE TERMINATED ${ID} {other}</p><a href="https://app.test/?a&#38;b">`,
    );
  });

  it('comes after a redirect, and programs never see it', () => {
    expect(answer('navigation', { endPage }, pages('https://app.test/')).status).toBe(303);
    expect(answer('program', { endPage }).body).toContain('"GONE"');
  });
});

it.each([
  ['https://app.test/{reason}?{id}', true],
  ['https://{id}.app.test/', true],
  ['https://app.test/{why}', false],
  ['ftp://app.test/', false],
  ['/{reason}', false],
  [`https://app.test/${'a'.repeat(1_007)}`, true],
  [`https://app.test/${'a'.repeat(1_008)}`, false],
])('a redirect to %.40s may be set: %s', (text, valid) => {
  expect(isRedirectTemplate(text)).toBe(valid);
});
