import { readChunks } from './chunked-body.ts';
import { Fault, lineAt, Unfinished } from './lines.ts';

/** A connection's bytes as a careful client reads them (RFC 9112 §6.3): every answer, and what is left behind the last. */
export interface Answer {
  status: number;
  headers: [name: string, value: string][];
  body: string;
}

export interface Answers {
  answers: Answer[];
  /** Answers with a status below 200 that came before them. */
  interim: number;
  rest: 'nothing' | 'unfinished' | 'tunnel' | 'fault';
}

/** `methods` are those of the requests in their order; `closed` whether the connection has ended. */
export function readAnswers(bytes: string, methods: readonly string[], closed: boolean): Answers {
  const answers: Answer[] = [];
  let interim = 0;
  for (let at = 0; ; ) {
    if (at >= bytes.length) return { answers, interim, rest: 'nothing' };
    try {
      const { answer, end } = readAnswer(bytes, at, methods[answers.length] ?? 'GET', closed);
      at = end;
      if (answer.status === 101) return { answers: [...answers, answer], interim, rest: 'tunnel' };
      if (answer.status < 200) interim += 1;
      else answers.push(answer);
    } catch (stop) {
      if (stop instanceof Unfinished) return { answers, interim, rest: 'unfinished' };
      if (stop instanceof Fault) return { answers, interim, rest: 'fault' };
      throw stop;
    }
  }
}

function readAnswer(bytes: string, from: number, method: string, closed: boolean) {
  const start = lineAt(bytes, from, 'CRLF');
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(start.text)?.[1]);
  if (Number.isNaN(status)) throw new Fault('no status line');
  const headers: [string, string][] = [];
  let line = lineAt(bytes, start.next, 'CRLF');
  for (; line.text !== ''; line = lineAt(bytes, line.next, 'CRLF')) {
    const colon = line.text.indexOf(':');
    if (colon < 1) throw new Fault('no header line');
    headers.push([line.text.slice(0, colon).toLowerCase(), line.text.slice(colon + 1).trim()]);
  }
  const answer = { status, headers, body: '' };
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return { answer, end: line.next };
  return read(answer, bytes, line.next, closed);
}

function read(answer: Answer, bytes: string, from: number, closed: boolean): { answer: Answer; end: number } {
  const value = (name: string) => answer.headers.filter(([own]) => own === name).map(([, text]) => text);
  const [coding, length] = [value('transfer-encoding'), value('content-length')];
  if (coding.length + length.length > 1) throw new Fault('framed twice');
  if (coding.length > 0) {
    const { body, end } = readChunks(bytes, from, { lineEnd: 'CRLF', looseNumbers: false });
    return { answer: { ...answer, body }, end };
  }
  if (length.length === 0 && !closed) throw new Unfinished();
  const end = length.length === 0 ? bytes.length : from + Number(length[0]);
  if (end > bytes.length) throw new Unfinished();
  return { answer: { ...answer, body: bytes.slice(from, end) }, end };
}
