import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { codeName } from './pages/code-name.ts';
import { type PageSettings, pageOf, redirectOf, type SessionEnd, startAgainOf } from './pages/own-pages.ts';
import { endPage } from './pages/patient-page.ts';
import { HTML, type Reply, reply, STATE_HEADER, withHeaders } from './replies.ts';

/** How much the client makes of an answer: a program, a browser, or a browser that loads a page. */
export type Viewer = 'program' | 'browser' | 'navigation';

/**
 * The end of a session, from its first moment on. Programs get the code of the reason, and browsers a page. Where the application
 * has a page of its own, a navigation is redirected there.
 */
export function endReply(end: SessionEnd, viewer: Viewer, settings: PageSettings): Reply {
  const { state, reason } = end;
  const to = viewer === 'navigation' ? redirectOf(end, settings) : undefined;
  if (to !== undefined) {
    // The session's address may still admit others, so the application's page does not get it.
    const headers = { Location: to, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' };
    return { outcome: 'gone', status: 303, headers, body: '' };
  }
  const message = `This session ${state === BackendState.TERMINATED ? 'has ended' : 'is ending'}.`;
  const plain = reply(410, 'gone', 'GONE', message, false, { reason: codeName(EndReason, reason) });
  return withHeaders(viewer === 'program' ? plain : { ...plain, ...paged(end, settings) }, {
    [STATE_HEADER]: codeName(BackendState, state),
  });
}

/** The cluster's page is trusted with all that its browser can do. */
function paged(end: SessionEnd, settings: PageSettings): Pick<Reply, 'headers' | 'body'> {
  const own = pageOf(end, settings);
  const { 'Content-Security-Policy': _, ...trusting } = HTML;
  if (own !== undefined) return { headers: trusting, body: own };
  return { headers: HTML, body: endPage(end.state, end.reason, startAgainOf(end, settings)) };
}
