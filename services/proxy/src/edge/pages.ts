import type { QueuePosition } from '@spawner/bus';
import { queueWords } from '../cluster/queue-words.ts';

/**
 * The pages that the edge shows to browsers: each is one file that needs no other, and readable without scripts. They contain
 * fixed texts only, never anything that a client or a backend has sent.
 */
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;margin:20vh auto;max-width:32rem;padding:0 1.5rem;color:#222;background:#fafafa}' +
  'h1{font-size:1.25rem}p{color:#666}@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}p{color:#aaa}}';

/** The path at which a page reads its backend's state. Once the backend is ready, the path is the backend's. */
export const STATE_EVENTS_PATH = '/.spawner/events';

const WORDS: Readonly<Record<string, string>> = {
  SCHEDULED: 'A place for it has been found.',
  LOADING: 'Its image is being loaded.',
  STARTING: 'Its container is being started.',
  WAITING: 'It has started and is getting ready.',
};

export function errorPage(status: number, message: string): string {
  return page(`${status}`, `<h1>${message}</h1>`);
}

/** Follows the backend's state by server-sent events, or by requests if there are none. */
export function waitingPage(state: string, queued: QueuePosition | undefined): string {
  const words = queued ? queueWords(queued) : (WORDS[state] ?? '');
  return patientPage('Starting…', 'Your session is starting…', words, FOLLOW);
}

/** The page of a session that may come back. */
export function retryingPage(message: string): string {
  return patientPage('Trying again…', `${message}…`, 'This page comes back by itself when it can.', 'ask();');
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

/**
 * `begin` is what its script does first. `ask` asks for the page's own address, with the patience of a second (RFC 7240), until
 * an answer is not ours: then it loads the page. Without scripts the browser reloads it every two seconds.
 */
function patientPage(title: string, heading: string, words: string, begin: string): string {
  const script = `const words=${JSON.stringify(WORDS)};
const say=text=>{document.getElementById('state').textContent=text||''};
const ask=async()=>{
  try{
    const r=await fetch(location.href,{method:'HEAD',cache:'no-store',redirect:'manual',headers:{Prefer:'wait=1'}});
    const s=r.status===503&&r.headers.get('X-Spawner-State');
    if(!s&&r.status!==503)return location.reload();
    const n=s&&r.headers.get('X-Spawner-Queue-Position');
    if(s)say(n?'Number '+n+' in the queue.':words[s]);
  }catch{}
  setTimeout(ask,500);
};
${begin}`;
  return page(
    title,
    `<h1>${heading}</h1><p id="state" role="status">${words}</p><script>${script}</script>`,
    '<noscript><meta http-equiv="refresh" content="2"></noscript>',
  );
}

function page(title: string, body: string, head = ''): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
    `<meta name="viewport" content="width=device-width">${head}<style>${STYLE}</style></head><body>${body}</body></html>\n`
  );
}
