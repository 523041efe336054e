/** What the suite holds for right: a verdict of it can fail in every way in which a proxy can. */
import type { Answer } from './answers.ts';
import type { Observation } from './course.ts';
import { bytes, type Right } from './payload.ts';
import type { SeenRequest } from './reading.ts';
import { complaint, judge, told } from './verdict.ts';

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

describe('a verdict', () => {
  it.each<[Right, Partial<Observation>]>([
    ['one', one],
    ['refused', refused],
    ['either', one],
    ['either', refused],
    ['either', {}],
    ['elsewhere', { answers: [answer(404)] }],
  ])('is content with %s', (right, observation) => {
    expect(of(right, observation).complaint).toBeUndefined();
  });

  it.each<[string, Right, Partial<Observation>]>([
    ['a refusal of what is right', 'one', refused],
    ['what is to be refused and was not', 'refused', one],
    ['a refusal that leaves the connection open', 'refused', { answers: [answer(400)] }],
    ['an end without a word', 'refused', { closed: true }],
    ['an answer of 200 to what the backend never got', 'one', { answers: [answer(200)] }],
    ['two requests out of one', 'one', { ...one, requests: [request(), request({ target: '/inner' })] }],
    [
      'two requests out of one where both are allowed',
      'either',
      { ...one, requests: [request(), request()] },
    ],
    ['another body', 'one', { ...one, requests: [request({ body: 'x' })] }],
    ['an answer too many', 'one', { ...one, answers: [answer(200), answer(200)] }],
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
    ['a request that lenient servers read otherwise', 'one', { ...one, disagreements: ['two of one'] }],
    ['a fault that another client sees', 'one', { ...one, poisoned: ['got the answer of another'] }],
    ['an answer that nobody can read', 'one', { ...one, rest: 'fault' }],
    ['what waits though it is whole', 'one', {}],
  ])('complains of %s', (_, right, observation) => {
    expect(of(right, observation).complaint).toEqual(expect.any(String));
  });
});

describe('what a backend was told', () => {
  const headers = (...lines: [string, string][]) => told([request({ headers: lines })], 'abc.test');

  it('is the same where it says the same', () => {
    expect(headers(['A', '1'], ['a', '2'], ['Connection', 'close'])).toEqual(headers(['a', '1, 2']));
    expect(headers(['cookie', 'a=1'], ['cookie', 'b=2'])).toEqual(headers(['cookie', 'a=1; b=2']));
    expect(headers(['content-length', '0'])).toEqual(headers());
  });

  it('differs in a header, its order among its like, a method, a target and a body', () => {
    expect(headers(['a', '1'])).not.toEqual(headers());
    expect(headers(['a', '1'], ['a', '2'])).not.toEqual(headers(['a', '2'], ['a', '1']));
    for (const part of [{ method: 'PUT' }, { target: '/b' }, { body: 'x' }])
      expect(told([request(part)], 'abc.test')).not.toEqual(told([request()], 'abc.test'));
  });
});
