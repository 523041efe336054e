import { LENGTH, meant, OK, type StrangeAnswer } from './answer.ts';

const EARLY = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const HI = `${OK}${LENGTH}\r\nhi`;

/** Status lines, and answers before the answer (RFC 9110 §15, RFC 9112 §4). */
export const STATUSES: readonly StrangeAnswer[] = [
  {
    name: 'the status 205 with a body',
    pieces: [`HTTP/1.1 205 Odd\r\n${LENGTH}\r\nhi`],
    right: meant({}, 'hi', 205),
    unlike: { ways: ['HTTP/2'], right: meant({}, '', 205), why: "Node's HTTP/2 leaves out a body of a 205" },
  },
  ...[200, 201, 299, 300, 404, 499, 500, 599].map(
    (status): StrangeAnswer => ({
      name: `the status ${status} with a body`,
      pieces: [`HTTP/1.1 ${status} Odd\r\n${LENGTH}\r\nhi`],
      right: meant({}, 'hi', status),
    }),
  ),
  ...[600, 999].map(
    (status): StrangeAnswer => ({
      name: `the status ${status}`,
      pieces: [`HTTP/1.1 ${status} Odd\r\n${LENGTH}\r\nhi`],
      right: meant({}, 'hi', status),
      unlike: {
        ways: ['HTTP/2'],
        right: meant({}, 'hi', 502),
        why: "Node's HTTP/2 sends no status above 599",
      },
    }),
  ),
  ...['000', '001', '099', '20', '2000', '2x0', '-20', '+20'].map(
    (status): StrangeAnswer => ({
      name: `the status ${status}`,
      pieces: [`HTTP/1.1 ${status} Odd\r\n${LENGTH}\r\nhi`],
      right: 'refused',
    }),
  ),
  ...['RTSP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/3', 'http/1.1', 'ICY', ' HTTP/1.1'].map(
    (version): StrangeAnswer => ({
      name: `the version ${JSON.stringify(version)}`,
      pieces: [`${version} 200 OK\r\n${LENGTH}\r\nhi`],
      right: 'refused',
    }),
  ),
  { name: 'two spaces behind the version', pieces: [`HTTP/1.1  200 OK\r\n${LENGTH}\r\nhi`], right: meant() },
  { name: 'no reason', pieces: [`HTTP/1.1 200\r\n${LENGTH}\r\nhi`], right: meant() },
  { name: 'an empty reason', pieces: [`HTTP/1.1 200 \r\n${LENGTH}\r\nhi`], right: meant() },
  { name: 'a reason beyond ASCII', pieces: [`HTTP/1.1 200 \xe9\xff\r\n${LENGTH}\r\nhi`], right: meant() },
  {
    name: 'a control in the reason',
    pieces: [`HTTP/1.1 200 O\x01K\r\n${LENGTH}\r\nhi`],
    right: meant(),
  },
  { name: 'one interim answer', pieces: [EARLY, HI], right: meant() },
  { name: 'eight interim answers', pieces: [`${EARLY.repeat(8)}${HI}`], right: meant() },
  { name: 'nine interim answers', pieces: [`${EARLY.repeat(9)}${HI}`], right: 'refused' },
  {
    name: 'nine interim answers in pieces',
    pieces: [EARLY.repeat(5), EARLY.repeat(4), HI],
    right: 'refused',
  },
  { name: 'interim answers without end', pieces: [], forever: EARLY.repeat(100), right: 'refused' },
  { name: 'a 100 that was not asked for', pieces: [`HTTP/1.1 100 Continue\r\n\r\n${HI}`], right: meant() },
  { name: 'a 199', pieces: [`HTTP/1.1 199 Odd\r\n\r\n${HI}`], right: meant() },
  { name: 'an interim answer and no other', pieces: [EARLY], after: 'end', right: 'refused' },
  {
    name: 'an interim answer with a length',
    pieces: [`HTTP/1.1 103 Early\r\nContent-Length: 0\r\n\r\n${HI}`],
    right: meant(),
  },
  {
    name: 'an unrequested switch',
    pieces: ['HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    right: 'refused',
  },
  { name: 'a 101 that names no protocol', pieces: [`HTTP/1.1 101 S\r\n${LENGTH}\r\nhi`], right: 'refused' },
  {
    name: 'an offer to switch',
    pieces: [`${OK}Connection: upgrade\r\nUpgrade: h2c\r\n${LENGTH}\r\nhi`],
    right: meant(),
  },
];
