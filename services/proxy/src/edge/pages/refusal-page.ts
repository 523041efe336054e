import { pageFrame, paragraph } from './page-frame.ts';

/** A refusal as its page tells it. The text has the advice, or the cause. */
export interface PageWords {
  readonly heading: string;
  readonly text: string;
}

const LATER = 'Please try again in a moment.';

/** The words of refusals that are shown as pages. */
export const REFUSAL_WORDS = {
  badRequest: (why: string) => ({ heading: 'This request cannot be answered', text: why }),
  headersTooLarge: {
    heading: 'Your browser sent too much',
    text: 'Its cookies for this site may have become too large. It may help to delete them.',
  },
  unknown: {
    heading: 'There is no session at this address',
    text: 'It may have ended a while ago, or the address may have a mistake.',
  },
  badAnswer: (why: string) => ({ heading: 'Your session gave an answer that cannot be shown', text: why }),
  noAnswer: { heading: 'Your session did not answer', text: LATER },
  restarting: { heading: "Your session's program is restarting", text: LATER },
  unauthorized: {
    heading: 'This session needs an invitation',
    text: 'Please open it again from where you have its address.',
  },
  busy: { heading: 'Your session is very busy', text: LATER },
  unreachable: { heading: 'Your session cannot be reached', text: LATER },
  unsure: { heading: 'Your session cannot be found at the moment', text: LATER },
  notReady: { heading: 'Your session is not ready yet', text: LATER },
  draining: { heading: 'Please load this page again', text: 'The server that answered is about to stop.' },
} as const;

export function refusalPage({ heading, text }: PageWords): string {
  return pageFrame({ heading, body: paragraph(text) });
}
