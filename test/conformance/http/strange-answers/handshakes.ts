import { CHUNKED, LENGTH, meant, type StrangeAnswer } from './answer.ts';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\n';
const TO_WEBSOCKET = 'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n';
const FRAME = '\x81\x02hi';
const refused = (name: string, ...pieces: string[]): StrangeAnswer => ({
  name: `${name} to a handshake`,
  method: 'handshake',
  pieces,
  right: 'refused',
});
const opened = (name: string, lines: string, headers: Record<string, string> = {}): StrangeAnswer => ({
  name: `a switch ${name}`,
  method: 'handshake',
  pieces: [`${SWITCH}${lines}${TO_WEBSOCKET}\r\n${FRAME}`],
  right: meant({ ...headers, upgrade: 'websocket', 'sec-websocket-accept': '{accept}' }, FRAME, 101),
});

/** Answers to WebSocket handshakes (RFC 6455 §4.2.2); what follows a switch is the body here. */
export const HANDSHAKES: readonly StrangeAnswer[] = [
  opened('with its first frame', ''),
  opened('with a value beyond ASCII', 'X-A: \xe9\r\n', { 'x-a': '\xe9' }),
  opened('with a length', 'Content-Length: 5\r\n'),
  opened('with length and coding', `${LENGTH}${CHUNKED}`),
  opened('after interim answers', 'X-A: 1\r\n', { 'x-a': '1' }),
  refused('a 101 that names no protocol', `${SWITCH}Sec-WebSocket-Accept: {accept}\r\n\r\n${FRAME}`),
  refused('a 101 without Connection', `${SWITCH}Upgrade: websocket\r\n\r\n${FRAME}`),
  refused('a switch to h2c', `${SWITCH}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n${FRAME}`),
  refused('a switch to a list', `${SWITCH}Connection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n${FRAME}`),
  refused(
    'a coding that is not known',
    'HTTP/1.1 403 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  ),
  refused('the status 099', `HTTP/1.1 099 Odd\r\n${LENGTH}\r\nhi`),
  { ...refused('nothing'), after: 'end' },
  { ...refused('interim answers without end'), forever: 'HTTP/1.1 103 E\r\n\r\n'.repeat(100) },
  ...[`${LENGTH}\r\nno`, `${CHUNKED}\r\n2\r\nno\r\n0\r\n\r\n`].map(
    (rest): StrangeAnswer => ({
      name: `a refusal ${JSON.stringify(rest)} to a handshake`,
      method: 'handshake',
      pieces: [`HTTP/1.1 403 \xe9\r\nX-A: \xe9\r\n${rest}`],
      right: meant({ 'x-a': '\xe9' }, 'no', 403),
    }),
  ),
  {
    name: 'a refusal that the close ends to a handshake',
    method: 'handshake',
    pieces: ['HTTP/1.0 403 No\r\n\r\n', 'no'],
    after: 'end',
    right: meant({}, 'no', 403),
  },
  {
    name: 'a 200 to a handshake',
    method: 'handshake',
    pieces: [`HTTP/1.1 200 OK\r\n${LENGTH}\r\nhi`],
    right: meant(),
  },
  {
    name: 'a refusal that breaks off to a handshake',
    method: 'handshake',
    pieces: ['HTTP/1.1 302 Found\r\nContent-Length: 9\r\n\r\n', 'no'],
    after: 'end',
    right: 'broken off',
  },
];
