import { randomBytes } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { acceptOf } from './answer-script.ts';
import { type Answer, readAnswers } from './answers.ts';
import type { Meant, StrangeAnswer } from './strange-answers/answer.ts';

/** The answer as its client saw it: the meant one, our own 502, one without an end, or none in time. */
export type Outcome = Meant | 'refused' | 'broken off' | 'hung' | 'nothing' | 'more than one answer';

const DEADLINE_MS = 10_000;
/** They belong to one hop, or frame the body. */
const OF_THE_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date'];

/** Asks over HTTP/1.1 on a connection of its own, then again on the same where that stays, after `between`; `wrong` is what the second got instead. */
export function ask(
  port: number,
  host: string,
  target: string,
  method?: StrangeAnswer['method'],
  between = async () => {},
): Promise<{ outcome: Outcome; wrong?: string }> {
  return new Promise((resolve) => {
    const key = randomBytes(16).toString('base64');
    const handshake = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`;
    const verb = method === 'HEAD' ? 'HEAD' : 'GET';
    const head = `Host: ${host}\r\n${method === 'handshake' ? handshake : ''}\r\n`;
    const socket = connect({ port, host: '127.0.0.1' });
    let received = '';
    let first: Outcome | undefined;
    let behind = 0;
    const done = (outcome: Outcome, wrong?: string) => {
      clearTimeout(late);
      socket.destroy();
      resolve({ outcome, ...(wrong !== undefined && { wrong }) });
    };
    const late = setTimeout(
      () => done(first ?? (received === '' ? 'nothing' : 'hung'), first && 'no second answer'),
      DEADLINE_MS,
    );
    const look = (ended: 'no' | 'yes' | 'reset') => {
      const { answers, rest } = readAnswers(
        received.slice(behind),
        [behind > 0 ? 'GET' : verb],
        ended === 'yes',
      );
      const [answer] = answers;
      if (first !== undefined) {
        const own = answer?.status === 200 && answer.body === AGAIN && answers.length === 1;
        if (answer || ended !== 'no') done(first, own ? undefined : received.slice(behind, behind + 200));
        return;
      }
      if (answers.length > 1) return done('more than one answer');
      if (rest === 'tunnel' && answer) {
        const body = received.slice(received.indexOf('\r\n\r\n') + 4);
        const accept = answer.headers.find(([name]) => name === 'sec-websocket-accept')?.[1];
        if (body !== '') done(outcomeOf({ ...answer, body }, accept === acceptOf(key) ? accept : undefined));
        else if (ended !== 'no') done('broken off');
        return;
      }
      if (answer) {
        const outcome = outcomeOf(answer);
        const closes = answer.headers.some(([name, value]) => name === 'connection' && /close/i.test(value));
        if (ended !== 'no' || closes) return done(outcome);
        first = outcome;
        behind = received.length;
        void between().then(() => socket.write(`GET ${AGAIN} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
      } else if (rest === 'fault') done('broken off');
      else if (ended !== 'no') done(received === '' ? 'nothing' : 'broken off');
    };
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      look('no');
    });
    socket.once('end', () => look('yes'));
    socket.once('error', () => look('reset'));
    socket.write(`${verb} ${target} HTTP/1.1\r\n${head}`, 'latin1');
  });
}

const AGAIN = '/again';

/** The same over HTTP/2, as one stream of this session. */
export function askHttp2(
  session: ClientHttp2Session,
  host: string,
  target: string,
  method?: StrangeAnswer['method'],
): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': method === 'HEAD' ? 'HEAD' : 'GET',
      ':path': target,
      ':authority': host,
    });
    const late = setTimeout(() => {
      resolve('hung');
      stream.close();
    }, DEADLINE_MS);
    let answer: Answer | undefined;
    let ended = false;
    stream.once('response', ({ ':status': status = 0, ...headers }) => {
      const lines = Object.entries(headers).map(([name, value]): [string, string] => [
        name,
        Array.isArray(value) ? value.join(', ') : String(value),
      ]);
      answer = { status, headers: lines, body: '' };
    });
    stream.on('data', (bytes: Buffer) => {
      if (answer) answer.body += bytes.toString('latin1');
    });
    stream.once('end', () => {
      ended = true;
    });
    stream.on('error', () => {});
    stream.once('close', () => {
      clearTimeout(late);
      if (!answer) resolve('nothing');
      else resolve(ended && stream.rstCode === 0 ? outcomeOf(answer) : 'broken off');
    });
    stream.end();
  });
}

function outcomeOf({ status, headers, body }: Answer, accept?: string): Outcome {
  if (status === 502 && /"code":"(?:UNAVAILABLE|INTERNAL)"/.test(body)) return 'refused';
  const kept = new Map<string, string>();
  for (const [name, value] of headers) {
    if (OF_THE_HOP.includes(name)) continue;
    const text = value === accept ? '{accept}' : value;
    const before = kept.get(name);
    kept.set(name, before === undefined ? text : `${before}, ${text}`);
  }
  return { status, headers: Object.fromEntries(kept), body };
}
