/**
 * The line to the board: connects, and connects again with growing pauses when the line drops. A browser does not
 * tell why a WebSocket was refused, so after a failure it asks by plain HTTP whether the session is still there.
 */
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 8_000;
const BOARD_IS_FULL = 4000;

/** Kept by a page when it is loaded again, so that its guest keeps name and strokes; other tabs get their own. */
function pageToken() {
  const [navigation] = performance.getEntriesByType('navigation');
  const kept = navigation?.type === 'reload' ? sessionStorage.getItem('page') : null;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const token = kept ?? Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem('page', token);
  return token;
}

/**
 * Calls `onMessage` with each message and `onState` with 'open', 'away', 'full', or 'ended' and what the answer
 * said. Gives a function that sends, and says whether there was a line to send on.
 */
export function connect({ onMessage, onState }) {
  const address = new URL(`draw?page=${pageToken()}`, location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  let socket = null;
  let failures = 0;
  let timer = 0;

  function open() {
    clearTimeout(timer);
    socket = new WebSocket(address);
    socket.onopen = () => {
      failures = 0;
      onState('open');
    };
    socket.onmessage = ({ data }) => onMessage(JSON.parse(data));
    socket.onclose = ({ code }) => (code === BOARD_IS_FULL ? retry('full') : lost());
  }

  async function lost() {
    if (failures > 0) {
      const answer = await fetch('healthz', { cache: 'no-store' }).catch(() => null);
      if (answer?.status === 410 || answer?.status === 404) return onState('ended', await answer.text());
    }
    retry('away');
  }

  function retry(state) {
    onState(state);
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures += 1;
    timer = setTimeout(open, pause * (0.7 + 0.6 * Math.random()));
  }

  addEventListener('online', () => socket.readyState === WebSocket.CLOSED && timer && open());
  open();

  return (message) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
}
