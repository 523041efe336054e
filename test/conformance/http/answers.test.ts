/** For every answer of a backend, a client gets the meant answer or sees that it failed. Both paths agree, and no other client notices. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { eventually, makeAuthority } from '@spawner/testkit';
import { DOMAIN, type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import { ask, askHttp2, type Outcome } from './answer-client.ts';
import { ScriptedBackend } from './answer-script.ts';
import { isCertified } from './edge.ts';
import { LENGTH, meant, OK, type Right, type StrangeAnswer, type WayName } from './strange-answers/answer.ts';
import { FRAMING } from './strange-answers/framing.ts';
import { HANDSHAKES } from './strange-answers/handshakes.ts';
import { HEADS } from './strange-answers/heads.ts';
import { STATUSES } from './strange-answers/statuses.ts';

const ALL = [...STATUSES, ...FRAMING, ...HEADS, ...HANDSHAKES];
const AT_ONCE = 6;
const OPEN_MS = 10_000;

interface Trial {
  outcome: Outcome;
  /** Other clients' wrong answers, and exchanges that stayed open. */
  wrong: string[];
}

type Send = (answer: StrangeAnswer) => Promise<Trial>;
const trials = new Map<string, Trial>();
const tried = (way: WayName, { name }: StrangeAnswer) => trials.get(`${way}: ${name}`);
const worlds: ProxyWorld[] = [];
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const authority = stack.use(await makeAuthority());
  const certificate = await authority.issue([`*.${DOMAIN}`]);
  const secure = { SPAWNER_PROXY_HTTPS: 'true', SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false' };
  const [fast, general] = await Promise.all([
    startProxyWorld({ SPAWNER_PROXY_FAST_PATH: 'on' }),
    startProxyWorld({ SPAWNER_PROXY_FAST_PATH: 'off', ...secure }),
  ]);
  worlds.push(stack.use(fast), stack.use(general));
  general.certify(certificate);
  await isCertified(general.httpsPort, `a.${DOMAIN}`);
  await Promise.all([
    tryAll('fast path', fast, ALL, http1),
    tryAll('general path', general, ALL, http1),
    tryAll(
      'HTTP/2',
      general,
      ALL.filter(({ method }) => method !== 'handshake'),
      http2,
    ),
  ]);
});
afterAll(() => stack.disposeAsync());

describe.each<WayName>(['fast path', 'general path', 'HTTP/2'])('By the %s', (way) => {
  const own = way === 'HTTP/2' ? ALL.filter(({ method }) => method !== 'handshake') : ALL;

  it.each(own)('$name', (answer) => {
    const trial = tried(way, answer);
    if (!trial) throw new Error('was not tried');
    expect(trial.wrong).toEqual([]);
    expect(trial.outcome).toEqual(expected(rightOf(answer, way), trial.outcome));
  });
});

it('differs between the ways only where the table says why', () => {
  const differing = ALL.filter((answer) => {
    const [one, other] = [tried('fast path', answer), tried('general path', answer)];
    const [some, more] = [one, other].map((trial) => JSON.stringify(asOne(trial?.outcome)));
    return some !== more;
  });
  const named = ALL.filter(({ unlike }) => unlike?.ways.some((way) => way !== 'HTTP/2'));
  expect(differing.map(({ name }) => name)).toEqual(named.map(({ name }) => name));
});

it.each([
  ['timeout=1', 'another'],
  ['max=9, timeout=1', 'another'],
  ['max=9, timeout=60', 'the same'],
])('after an answer that says Keep-Alive: %s asks on %s connection', async (value, which) => {
  for (const world of worlds) {
    const backend = stack.use(await ScriptedBackend.start());
    const { host } = await world.backend(backend);
    const line = `Connection: keep-alive\r\nKeep-Alive: ${value}\r\n`;
    backend.script = { name: value, pieces: [`${OK}${line}${LENGTH}\r\nhi`], right: meant() };
    expect(await ask(world.port, host, '/strange', undefined, () => turn(world))).toEqual({
      outcome: meant(),
    });
    const same = backend.cameOn.get('/strange') === backend.cameOn.get('/again');
    expect(same ? 'the same' : 'another').toBe(which);
  }
});

it('leaves both proxies alive', async () => {
  for (const world of worlds) {
    const { host } = await world.backend(stack.use(await ScriptedBackend.start()));
    expect(await world.get(host, '/alive')).toMatchObject({ status: 200, body: '/alive' });
  }
});

it('has more than sixty answers, each of a name of its own', () => {
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
  expect(ALL.length).toBeGreaterThan(60);
});

/** Several at once, each with a backend of its own meanwhile. */
async function tryAll(
  way: WayName,
  world: ProxyWorld,
  answers: readonly StrangeAnswer[],
  open: (world: ProxyWorld, host: string, said: () => Promise<void>) => Promise<Send>,
): Promise<void> {
  const left = [...answers];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const backend = stack.use(await ScriptedBackend.start());
      const { id, host } = await world.backend(backend);
      const said = async () => {
        await backend.said;
        await turn(world);
      };
      const send = await open(world, host, said);
      for (let answer = left.shift(); answer; answer = left.shift()) {
        backend.script = answer;
        const { outcome, wrong } = await send(answer);
        const over = async () => (await world.settle(id)).open === 0;
        const stayed = await eventually(over, { timeoutMs: OPEN_MS, everyMs: 5 }).then(
          () => [],
          () => ['an exchange stayed open'],
        );
        trials.set(`${way}: ${answer.name}`, { outcome, wrong: [...wrong, ...stayed] });
      }
    }),
  );
}

async function http1({ port }: ProxyWorld, host: string, said: () => Promise<void>): Promise<Send> {
  return async ({ method }) => {
    const { outcome, wrong } = await ask(port, host, '/strange', method, said);
    const another = await ask(port, host, '/another');
    const others = [wrong, another.wrong].filter((text) => text !== undefined);
    return { outcome, wrong: [...others, ...instead(another.outcome, '/another')] };
  };
}

async function http2({ httpsPort }: ProxyWorld, host: string, said: () => Promise<void>): Promise<Send> {
  const session = connect(`https://127.0.0.1:${httpsPort}`, {
    ...{ servername: host, rejectUnauthorized: false },
    maxHeaderListPairs: 2_048,
  });
  stack.defer(() => session.destroy());
  await once(session, 'connect');
  return async ({ method }) => {
    const outcome = await askHttp2(session, host, '/strange', method);
    await said();
    return { outcome, wrong: instead(await askHttp2(session, host, '/another'), '/another') };
  };
}

/**
 * Resolves when the proxy has read everything that was sent to it before. The question is about a backend that does not exist,
 * because the proxy closes its idle connections to a backend that it is asked about.
 */
async function turn(world: ProxyWorld): Promise<void> {
  await world.settle(world.name().id);
}

function instead(outcome: Outcome, target: string): string[] {
  const own = { status: 200, headers: {}, body: target };
  return JSON.stringify(outcome) === JSON.stringify(own) ? [] : [JSON.stringify(outcome)];
}

function rightOf({ right, unlike }: StrangeAnswer, way: WayName): Right {
  return unlike?.ways.includes(way) ? unlike.right : right;
}

/** A broken answer may be refused instead, if its head was not sent yet. */
function expected(right: Right, outcome: Outcome): Outcome {
  return right === 'broken off' && outcome === 'refused' ? 'refused' : right;
}

function asOne(outcome: Outcome | undefined): Outcome | undefined {
  return outcome === 'broken off' ? 'refused' : outcome;
}
