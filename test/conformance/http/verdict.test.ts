/** The suite's verdicts: each way in which a proxy can fail is seen. */
import type { Answer } from './answers.ts';
import type { Observation } from './course.ts';
import { bytes, type Right, type StreamEnd } from './payload.ts';
import type { SeenRequest } from './reading.ts';
import { complaint, essence, judge, told } from './verdict.ts';

const MARK = 'x-mark';
const seen = (part: Partial<Observation>): Observation => ({
  answers: [],
  interim: 0,
  rest: 'nothing',
  requests: [],
  disagreements: [],
  poisoned: [],
  closed: false,
  ...part,
});
const answer = (status: number): Answer => ({ status, headers: [], body: '' });
const request = (part: Partial<SeenRequest> = {}): SeenRequest => ({
  method: 'GET',
  target: '/',
  version: 'HTTP/1.1',
  headers: [[MARK, 'here']],
  body: '',
  ...part,
});
const meant = [{ method: 'GET', target: '/' }];
const payload = (right: Right) => bytes('a payload', right, 'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n', meant);
const of = (right: Right, observation: Partial<Observation>) => {
  const course = { port: 0, host: '', mark: MARK } as unknown as Parameters<typeof judge>[0];
  const verdict = judge(course, payload(right), seen(observation));
  return { outcome: verdict.outcome, complaint: complaint(payload(right), verdict) };
};
const one = { answers: [answer(200)], requests: [request()] };
const refused = { answers: [answer(400)], closed: true };

const waits = {};
const cut = { closed: true, rest: 'unfinished' as const, requests: [request()] };

describe('a verdict', () => {
  it.each<[Right, Partial<Observation>]>([
    ['one', one],
    ['one 502', { answers: [answer(502)], requests: [request()] }],
    ['refused', refused],
    ['refused 431', { answers: [answer(431)], closed: true }],
    ['refused 501', { answers: [answer(501)], closed: true }],
    ['elsewhere', { answers: [answer(404)] }],
    ['waits', waits],
    ['broken off', cut],
    ['broken off', { answers: [answer(502)], requests: [request()] }],
  ])('accepts %s', (right, observation) => {
    expect(of(right, observation).complaint).toBeUndefined();
  });

  it.each<[string, Right, Partial<Observation>]>([
    ['a refusal of a valid request', 'one', refused],
    ['a request that should have been refused', 'refused', one],
    ['a refusal with another status', 'refused 431', refused],
    ['a refusal with 500', 'refused', { answers: [answer(500)], closed: true }],
    ['a refusal with 502', 'refused', { answers: [answer(502)], closed: true }],
    ['a refusal with 502 that the table asks for', 'refused 502', { answers: [answer(502)], closed: true }],
    ['a refusal that leaves the connection open', 'refused', { answers: [answer(400)] }],
    ['a hang instead of a refusal', 'refused', waits],
    ['a hang instead of an answer', 'one', waits],
    ['a hang of a backend that has the request', 'one', { requests: [request()] }],
    ['an answer to an incomplete request', 'waits', one],
    ['a close without an answer', 'refused', { closed: true }],
    ['a 200 for a request that the backend never got', 'one', { answers: [answer(200)] }],
    ['another status', 'one', { ...one, answers: [answer(204)] }],
    ['two requests made from one', 'one', { ...one, requests: [request(), request({ target: '/inner' })] }],
    ['another body', 'one', { ...one, requests: [request({ body: 'x' })] }],
    ['a 404 for a request inside another one', 'one', { ...one, answers: [answer(200), answer(404)] }],
    ['an extra answer', 'one', { ...one, answers: [answer(200), answer(200)] }],
    ['a request without the mark of the proxy', 'one', { ...one, requests: [request({ headers: [] })] }],
    [
      'a mark that came from the client',
      'one',
      {
        ...one,
        requests: [
          request({
            headers: [
              [MARK, 'here'],
              [MARK, 'forged'],
            ],
          }),
        ],
      },
    ],
    [
      'a request that lenient servers read differently',
      'one',
      { ...one, disagreements: ['two instead of one'] },
    ],
    ['a fault that another client sees', 'one', { ...one, poisoned: ['the answer of another request'] }],
    ['an answer that cannot be read', 'one', { ...one, rest: 'fault' }],
    ['a broken answer that looks whole', 'broken off', one],
    ['a stream that the connection took with it', 'refused', { closed: true, end: 'lost' }],
    ['a stream error where an answer was chosen', 'refused', { closed: true, end: 'stream error' }],
  ])('rejects %s', (_, right, observation) => {
    expect(of(right, observation).complaint).toEqual(expect.any(String));
  });

  it('tells the ways apart in which a stream may end', () => {
    const stream = { ...payload('refused'), status: undefined, end: 'stream error' as const };
    const course = { mark: MARK } as unknown as Parameters<typeof judge>[0];
    const outcome = (end: StreamEnd) => complaint(stream, judge(course, stream, seen({ end })));
    expect(outcome('stream error')).toBeUndefined();
    expect(outcome('connection error')).toBe('refused (connection error) instead of refused (stream error)');
    expect(outcome('lost')).toMatch(/^waits|^wrong/);
  });
});

it('a verdict accepts a refusal of the bytes behind a request only where the payload names it', () => {
  const course = { mark: MARK } as unknown as Parameters<typeof judge>[0];
  const named = { ...payload('one'), after: 400 };
  const both = { ...one, answers: [answer(200), answer(400)] };
  const outcome = (observation: Partial<Observation>) =>
    complaint(named, judge(course, named, seen(observation)));
  expect(outcome({ ...both, closed: true })).toBeUndefined();
  expect(outcome(both)).toMatch(/did not close/);
  expect(outcome(one)).toMatch(/further answers: none/);
});

describe('the essence of a verdict', () => {
  const essenceOf = (right: Right, observation: Partial<Observation>) => {
    const course = { mark: MARK } as unknown as Parameters<typeof judge>[0];
    const all = seen(observation);
    return essence({
      ...judge(course, payload(right), all),
      observation: all,
      told: told(all.requests, 'abc.test'),
    });
  };

  it('is the same however much of a broken answer was sent', () => {
    const bad = { answers: [answer(502)], requests: [request()] };
    expect(essenceOf('broken off', cut)).toEqual(essenceOf('broken off', bad));
  });

  it.each<[string, Partial<Observation>]>([
    ['a later status', { answers: [answer(200), answer(400)], closed: true }],
    ['a closed connection', { closed: true }],
    ['a request', { requests: [request({ target: '/other' })] }],
  ])('differs with %s', (_, part) => {
    expect(essenceOf('one', { ...one, ...part })).not.toEqual(essenceOf('one', one));
  });
});

describe('what a backend got', () => {
  const headers = (...lines: [string, string][]) => told([request({ headers: lines })], 'abc.test');

  it('is the same for requests that mean the same', () => {
    expect(headers(['A', '1'], ['a', '2'], ['Connection', 'close'])).toEqual(headers(['a', '1, 2']));
    expect(headers(['cookie', 'a=1'], ['cookie', 'b=2'])).toEqual(headers(['cookie', 'a=1; b=2']));
    expect(headers(['content-length', '0'])).toEqual(headers());
  });

  it('differs with a header, the order of its values, the method, the target and the body', () => {
    expect(headers(['a', '1'])).not.toEqual(headers());
    expect(headers(['a', '1'], ['a', '2'])).not.toEqual(headers(['a', '2'], ['a', '1']));
    for (const part of [{ method: 'PUT' }, { target: '/b' }, { body: 'x' }])
      expect(told([request(part)], 'abc.test')).not.toEqual(told([request()], 'abc.test'));
  });
});
