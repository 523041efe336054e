/** The live list. It asks once a second while it can be seen; idle clocks run on in between. */
const image = document.body.dataset.image;
const spawnButton = document.getElementById('spawn');
const notice = document.getElementById('notice');
const rows = document.getElementById('backends');
const FAILURES = [
  'FAILED',
  'LOAD_ERROR',
  'START_ERROR',
  'STARTUP_TIMEOUT',
  'LEASE_LOST',
  'DRONE_LOST',
  'INTERNAL',
];

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.message);
  return body;
}

const problems = { asking: '', doing: '' };

function say(about, problem) {
  problems[about] = problem;
  const text = [problems.doing, problems.asking].filter(Boolean).join(' · ');
  notice.hidden = text === '';
  notice.textContent = text;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

function pulled({ layers, layersDone, bytes, bytesDone, attempts }) {
  const again = attempts > 1 ? ` · attempt ${attempts}` : '';
  if (!layers) return `pulling its image${again}`;
  const share = bytes ? ` · ${Math.floor(((bytesDone ?? 0) / bytes) * 100)} %` : '';
  return `pulling: ${layersDone ?? 0} of ${layers} layers${share}${again}`;
}

function use({ state, activity, idleTimeoutMs, queuePosition, expectedWaitMs, pull }) {
  if (pull) return pulled(pull);
  if (queuePosition) {
    const left = expectedWaitMs === undefined ? '' : ` · about ${span(expectedWaitMs)}`;
    return `number ${queuePosition} in the queue${left}`;
  }
  if (state !== 'READY') return '';
  if (!activity) return '…';
  const { openConnections, idleRemainingMs } = activity;
  if (openConnections > 0) return `in use · ${openConnections} connection${openConnections === 1 ? '' : 's'}`;
  if (idleTimeoutMs === 0) return 'idle · stays';
  return idleRemainingMs === undefined ? 'idle' : `idle · ends in ${span(idleRemainingMs)}`;
}

function tone({ state, endReason }) {
  if (state === 'READY') return 'ready';
  if (state === 'TERMINATED') return FAILURES.includes(endReason) ? 'failed' : 'soft';
  return state === 'TERMINATING' ? 'going' : 'coming';
}

/** A row is made once and only its texts change: a click or a focus on it is never lost. */
const shown = new Map();

function rowOf({ id, image, url }) {
  const made = element('tr');
  const name = element('td', 'what');
  name.append(element('code', '', id.slice(0, 8)), ' ', element('span', 'soft', image));
  const standing = element('td', 'what');
  const state = element('span');
  const how = element('span', 'soft');
  standing.append(state, how);
  const inUse = element('td');
  const age = element('td');
  const actions = element('td');
  const open = element('a', 'open', 'Open');
  Object.assign(open, { href: url, target: '_blank', rel: 'noopener' });
  const end = element('button', '', 'Terminate');
  end.type = 'button';
  end.addEventListener('click', () => terminate(id));
  actions.append(open, end);
  made.append(name, standing, inUse, age, actions);
  return { made, state, how, inUse, age, open, end };
}

function update({ made, state, how, inUse, age, open, end }, backend) {
  const { endReason, endDetail, exitCode, createTime, endTime } = backend;
  const ended = backend.state === 'TERMINATED';
  const code = exitCode === undefined ? '' : `code ${exitCode}`;
  made.className = ended ? 'ended' : '';
  state.className = `state ${tone(backend)}`;
  state.textContent = backend.state.toLowerCase();
  how.textContent = ended ? ` ${[endReason, code, endDetail].filter(Boolean).join(' · ')}` : '';
  inUse.textContent = use(backend);
  age.textContent = span((ended && endTime ? Date.parse(endTime) : Date.now()) - Date.parse(createTime));
  open.hidden = ended;
  end.hidden = ended;
  end.disabled = backend.state === 'TERMINATING';
}

function show(backends) {
  const wanted = new Set(backends.map(({ id }) => id));
  for (const [id, { made }] of shown)
    if (!wanted.has(id)) {
      made.remove();
      shown.delete(id);
    }
  backends.forEach((backend, index) => {
    const row = shown.get(backend.id) ?? rowOf(backend);
    shown.set(backend.id, row);
    update(row, backend);
    if (rows.children[index] !== row.made) rows.insertBefore(row.made, rows.children[index] ?? null);
  });
}

function droneLine(drones) {
  const ready = drones.filter(({ state }) => state === 'READY');
  const backends = drones.reduce((sum, { reserved }) => sum + (reserved?.backends ?? 0), 0);
  const missing = drones.length - ready.length;
  if (drones.length === 0) return 'No drone has registered yet.';
  const names = ready.map(({ id, runtime }) => `${id} (${runtime})`).join(', ');
  return `Drones: ${names || 'none ready'}${missing > 0 ? ` · ${missing} unreachable` : ''} · ${backends} backends`;
}

async function refresh() {
  const [{ backends }, { drones }] = await Promise.all([ask('/v1/backends?pageSize=100'), ask('/v1/drones')]);
  show(backends);
  document.getElementById('empty').hidden = backends.length > 0;
  document.getElementById('drones').textContent = droneLine(drones);
}

async function follow() {
  if (!document.hidden)
    await refresh().then(
      () => say('asking', ''),
      (error) => say('asking', `Spawner does not answer: ${error.message}`),
    );
  setTimeout(follow, 1000);
}

async function terminate(id) {
  say('doing', '');
  await ask(`/v1/backends/${id}`, { method: 'DELETE' }).catch((error) => say('doing', error.message));
}

async function spawnDemo() {
  // Opened at once, while the click still counts as the user's wish; the new page must not reach this one.
  const tab = window.open('', '_blank');
  if (tab) tab.opener = null;
  say('doing', '');
  spawnButton.disabled = true;
  try {
    const { backend } = await ask('/v1/backends', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ spec: { image, idleTimeoutMs: 60_000 } }),
    });
    if (tab) tab.location = backend.url;
    else location.assign(backend.url);
  } catch (error) {
    tab?.close();
    say('doing', error.message);
  } finally {
    spawnButton.disabled = false;
  }
}

spawnButton.addEventListener('click', spawnDemo);
follow();
