import type { QueuePosition } from '@spawner/bus';
import { BackendState, type EndReason } from '@spawner/proto/v1/backend';
import { queueWords } from '../../cluster/queue-words.ts';
import { endWords } from './end-words.ts';
import { escaped, pageFrame, paragraph } from './page-frame.ts';

/** The path at which a page reads its backend's state. Once the backend is ready, the path is the backend's. */
export const STATE_EVENTS_PATH = '/.spawner/events';

const WORDS: Readonly<Record<string, string>> = {
  SCHEDULED: 'A place for it has been found.',
  LOADING: 'Its program is being loaded.',
  STARTING: 'Its program is being started.',
  WAITING: 'It has started and is getting ready.',
};

const COMES_BACK = 'This page comes back by itself when it can.';

/** Follows the backend's state by server-sent events, or by requests if there are none. */
export function waitingPage(state: string, queued: QueuePosition | undefined): string {
  const words = queued ? queueWords(queued) : (WORDS[state] ?? '');
  return patientPage('Your session is starting…', words, { begin: FOLLOW, while: 'r.status===503' });
}

/** The page of a session that may come back. */
export function retryingPage(heading: string): string {
  return patientPage(heading, COMES_BACK, { begin: 'ask();', while: 'r.status===503' });
}

/** The page of a session that is ready and whose program does not listen. Its requests are held while the program restarts. */
export function restartingPage(heading: string): string {
  return patientPage(heading, COMES_BACK, { begin: 'ask();', while: `r.status===502&&s==='READY'` });
}

/** The page of a session that is ending, which becomes that of an ended one; or of one that has ended, with a link to start again. */
export function endPage(state: BackendState, reason: EndReason, startAgainUrl?: string): string {
  const words = endWords(reason);
  const link = startAgainUrl && `<p><a href="${escaped(startAgainUrl)}">Start again</a></p>`;
  if (state === BackendState.TERMINATED)
    return pageFrame({ heading: 'Your session has ended', body: `${paragraph(words)}${link ?? ''}` });
  const ending = `r.status===410&&s==='TERMINATING'`;
  return patientPage('Your session is ending', words, { begin: 'setTimeout(ask,1000);', while: ending });
}

/** If the backend became ready first, the path is the backend's: a stream there that reports no state in time is not ours. */
const FOLLOW = `let heard=false;
const events=new EventSource('${STATE_EVENTS_PATH}');
const instead=()=>{events.close();ask()};
events.addEventListener('state',e=>{heard=true;say(words[e.data])});
events.addEventListener('queue',e=>say(e.data));
events.addEventListener('over',()=>{events.close();location.reload()});
events.onopen=()=>setTimeout(()=>heard||instead(),2000);
events.onerror=()=>{if(events.readyState===EventSource.CLOSED)instead()};`;

interface Patience {
  /** The first step of its script. */
  readonly begin: string;
  /** Whether the page is still true: a condition on the response `r` and the state `s` that it tells. */
  readonly while: string;
}

/**
 * `ask` asks for the page's own address, with the patience of a second (RFC 7240), until the page is no longer true: then it
 * loads the page. Without scripts the browser reloads it every two seconds.
 */
function patientPage(heading: string, text: string, patience: Patience): string {
  const script = `const words=${JSON.stringify(WORDS)};
const say=text=>{if(text)document.getElementById('state').textContent=text};
const ask=async()=>{
  try{
    const r=await fetch(location.href,{method:'HEAD',cache:'no-store',redirect:'manual',headers:{Prefer:'wait=1'}});
    const s=r.headers.get('X-Spawner-State');
    if(!(${patience.while}))return location.reload();
    const n=r.headers.get('X-Spawner-Queue-Position');
    say(n?'Number '+n+' in the queue.':words[s]);
  }catch{}
  setTimeout(ask,500);
};
${patience.begin}`;
  return pageFrame({
    heading,
    body: `<p id="state" role="status">${text}</p><script>${script}</script>`,
    head: '<noscript><meta http-equiv="refresh" content="2"></noscript>',
  });
}
