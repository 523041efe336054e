import { isPageUrl } from '@spawner/domain';
import { BackendState, EndReason, type Pages } from '@spawner/proto/v1/backend';
import { codeName } from './code-name.ts';
import { endWords } from './end-words.ts';
import { escaped } from './page-frame.ts';

/** The cluster's own pages for sessions that are ending or have ended. The spec of a backend comes before them. */
export interface PageSettings {
  /** An address with {reason}, {state} and {id}; undefined for none. */
  readonly endRedirectUrl: string | undefined;
  /** HTML with the same, {text} and {start_again_url}; undefined for the edge's own page. */
  readonly endPage: string | undefined;
  /** A link on the edge's own page; undefined for none. */
  readonly startAgainUrl: string | undefined;
}

export interface SessionEnd {
  readonly id: string;
  readonly state: BackendState;
  readonly reason: EndReason;
  /** Those of the backend's spec. */
  readonly pages: Pages | undefined;
}

const PLACEHOLDER = /\{(\w+)\}/g;
const CODES = ['reason', 'state', 'id'];

/** The address to which a browser is redirected instead of a page; undefined if it gets a page. */
export function redirectOf(end: SessionEnd, { endRedirectUrl }: PageSettings): string | undefined {
  const codes = codesOf(end);
  const own = end.pages?.redirectUrl ?? '';
  // A scheduler of another version may have let another address through.
  if (own !== '' && isPageUrl(own)) {
    const url = new URL(own);
    for (const [name, value] of Object.entries(codes)) url.searchParams.set(name, value);
    return url.href;
  }
  return endRedirectUrl && new URL(filled(endRedirectUrl, codes, encodeURIComponent)).href;
}

/** The address of the link to start again; undefined for none. */
export function startAgainOf({ pages }: SessionEnd, { startAgainUrl }: PageSettings): string | undefined {
  const own = pages?.startAgainUrl ?? '';
  return own !== '' && isPageUrl(own) ? own : startAgainUrl;
}

/** The cluster's page; undefined for the edge's own. */
export function pageOf(end: SessionEnd, settings: PageSettings): string | undefined {
  const start_again_url = startAgainOf(end, settings) ?? '';
  const values = { ...codesOf(end), text: endWords(end.reason), start_again_url };
  return settings.endPage === undefined ? undefined : filled(settings.endPage, values, escaped);
}

/** Whether a text is an address once its placeholders are filled. */
export function isRedirectTemplate(text: string): boolean {
  const known = [...text.matchAll(PLACEHOLDER)].every(([, name = '']) => CODES.includes(name));
  return known && isPageUrl(text.replaceAll(PLACEHOLDER, 'x'));
}

function codesOf({ id, state, reason }: SessionEnd) {
  return { reason: codeName(EndReason, reason), state: codeName(BackendState, state), id };
}

/** Other text in braces stays, as in a style sheet. */
function filled(
  template: string,
  values: Readonly<Record<string, string>>,
  encode: (value: string) => string,
): string {
  return template.replaceAll(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(values, name) ? encode(values[name] ?? '') : whole,
  );
}
