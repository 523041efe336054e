import { bytes, chunked, get, head, INNER, type Payload, post } from '../payload.ts';

/**
 * Transfer-Encoding beside Content-Length, and Transfer-Encoding in disguise: CL.TE, TE.CL and TE.TE. Our choices:
 * - A coding beside a length is refused in every spelling. RFC 9112 §6.1 allows it to be served, but two readers may differ.
 * - A coding that is not plainly `chunked` is refused with 400. We do not use 501, because most disguises are not codings.
 * - A chunked body is served for every method, since the method does not frame it (RFC 9112 §6.3).
 * - Framing headers that `Connection` names are kept, because removing one would change where the body ends.
 */
const ENDED = `0\r\n\r\n${INNER}`;
const LENGTH = 'Content-Length: 300';
const WHOLE = ENDED.padEnd(300, '#');

/** Header lines that some server has taken for `Transfer-Encoding: chunked`, and another one for no coding. */
const DISGUISES: [string, string][] = [
  ['in upper case', 'TRANSFER-ENCODING: CHUNKED'],
  ['in mixed case', 'tRANSFER-eNCODING: cHuNkEd'],
  ['after a tab', 'Transfer-Encoding:\tchunked'],
  ['without a blank', 'Transfer-Encoding:chunked'],
  ['with blanks after it', 'Transfer-Encoding: chunked  \t '],
  ['after a vertical tab', 'Transfer-Encoding:\x0bchunked'],
  ['before a vertical tab', 'Transfer-Encoding: chunked\x0b'],
  ['after a form feed', 'Transfer-Encoding: \x0cchunked'],
  ['after a NUL', 'Transfer-Encoding: \0chunked'],
  ['before a NUL', 'Transfer-Encoding: chunked\0'],
  ['after a high byte', 'Transfer-Encoding: \xa0chunked'],
  ['before a high byte', 'Transfer-Encoding: chunked\xff'],
  ['in a folded line', 'Transfer-Encoding:\r\n chunked'],
  ['in a line folded with a tab', 'Transfer-Encoding:\r\n\tchunked'],
  ['folded behind another value', 'Transfer-Encoding: identity,\r\n chunked'],
  ['as the folded end of another header', 'X: y\r\n Transfer-Encoding: chunked'],
  ['after a bare LF', 'X: y\nTransfer-Encoding: chunked'],
  ['after a bare CR', 'X: y\rTransfer-Encoding: chunked'],
  ['with a bare CR at its end', 'Transfer-Encoding: chunked\r\r'],
  ['with a bare LF in its value', 'Transfer-Encoding:\n chunked'],
  ['with a blank before the colon', 'Transfer-Encoding : chunked'],
  ['with a tab before the colon', 'Transfer-Encoding\t: chunked'],
  ['after a blank', ' Transfer-Encoding: chunked'],
  ['with a blank in the name', 'Transfer Encoding: chunked'],
  ['with an underscore', 'Transfer_Encoding: chunked'],
  ['with a NUL in the name', 'Transfer\0-Encoding: chunked'],
  ['with a high byte in the name', 'Transfer-Encoding\xff: chunked'],
  ['with two colons', 'Transfer-Encoding:: chunked'],
  ['in double quotes', 'Transfer-Encoding: "chunked"'],
  ['in single quotes', "Transfer-Encoding: 'chunked'"],
  ['as xchunked', 'Transfer-Encoding: xchunked'],
  ['as x-chunked', 'Transfer-Encoding: x-chunked'],
  ['as chunkedx', 'Transfer-Encoding: chunkedx'],
  ['as chunk', 'Transfer-Encoding: chunk'],
  ['as chu nked', 'Transfer-Encoding: chu nked'],
  ['with a comma before it', 'Transfer-Encoding: ,chunked'],
  ['with a comma after it', 'Transfer-Encoding: chunked,'],
  ['with a parameter', 'Transfer-Encoding: chunked;q=1'],
  ['with a semicolon', 'Transfer-Encoding: chunked;'],
  ['twice in one line', 'Transfer-Encoding: chunked, chunked'],
  ['behind identity', 'Transfer-Encoding: identity, chunked'],
  ['before identity', 'Transfer-Encoding: chunked, identity'],
  ['behind gzip', 'Transfer-Encoding: gzip, chunked'],
  ['before gzip', 'Transfer-Encoding: chunked, gzip'],
  ['as identity', 'Transfer-Encoding: identity'],
  ['empty', 'Transfer-Encoding:'],
  ['in two lines', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
  ['in two lines, the second odd', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x'],
  ['in two lines, the first odd', 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked'],
  ['in two lines, the second identity', 'Transfer-Encoding: chunked\r\nTransfer-encoding: identity'],
  ['in two lines, the first empty', 'Transfer-Encoding:\r\nTransfer-Encoding: chunked'],
];

/** Plainly `chunked` (RFC 9110 §5.5, §5.6.3). Everything else is refused, because some server in use reads it differently. */
const PLAIN = ['in upper case', 'in mixed case', 'after a tab', 'without a blank'];

const besideALength = DISGUISES.map(
  ([how, line]): Payload => post(`a coding ${how}, beside a length`, 'refused', [LENGTH, line], WHOLE),
);
const alone = DISGUISES.map(
  ([how, line]): Payload =>
    PLAIN.includes(how)
      ? post(`a coding ${how}`, 'one', [line], '5\r\nhello\r\n0\r\n\r\n', 'hello')
      : bytes(`a coding ${how}`, 'refused', head('POST', [line]) + ENDED),
);

export const CODINGS: readonly Payload[] = [
  post('CL.TE', 'refused', [LENGTH, 'Transfer-Encoding: chunked'], WHOLE),
  post(
    'TE.CL',
    'refused',
    ['Transfer-Encoding: chunked', 'Content-Length: 4'],
    `5c\r\n${INNER.padEnd(92, '#')}\r\n0\r\n\r\n`,
  ),
  post(
    'TE.CL with a length of zero',
    'refused',
    ['Content-Length: 0', 'Transfer-Encoding: chunked'],
    `5\r\nhello\r\n${ENDED}`,
  ),
  post('TE.0', 'refused', ['Transfer-Encoding: chunked', 'Content-Length: 0'], ENDED),
  bytes('CL.0: a body where a GET has none', 'one', `${head('GET', ['Content-Length: 5'])}hello`, [
    { body: 'hello' },
  ]),
  bytes('0.CL: a length that a GET hides', 'refused', `${head('GET', ['Content-Length : 300'])}${WHOLE}`, [
    { body: WHOLE },
  ]),
  bytes(
    'a coding in HTTP/1.0',
    'refused',
    `POST /x HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n${ENDED}`,
  ),
  bytes(
    'a coding and a length in HTTP/1.0',
    'refused',
    `POST /x HTTP/1.0\r\nHost: {host}\r\n${LENGTH}\r\nTransfer-Encoding: chunked\r\n\r\n${WHOLE}`,
  ),
  bytes(
    'a coding and keep-alive in HTTP/1.0',
    'refused',
    `POST /x HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${ENDED}`,
  ),
  get('a header that only ends like a coding', 'one', 'X-Transfer-Encoding: chunked'),
  post(
    'a coding that Connection names',
    'one',
    ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'],
    '5\r\nhello\r\n0\r\n\r\n',
    'hello',
  ),
  post('a length that Connection names', 'one', ['Connection: content-length', 'Content-Length: 5'], 'hello'),
  post('a host that Connection names', 'one', ['Connection: host, close', 'Content-Length: 5'], 'hello'),
  bytes(
    'a coding in a trailer',
    'refused',
    [head('POST', ['Transfer-Encoding: chunked']), '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [{}],
  ),
  ...['DELETE', 'OPTIONS', 'GET', 'PUT', 'PATCH', 'HEAD'].map((method) =>
    bytes(
      `a chunked ${method}`,
      'one',
      `${head(method, ['Transfer-Encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`,
      [{ body: 'hello' }],
    ),
  ),
  ...['DELETE', 'OPTIONS', 'GET'].map((method) =>
    bytes(
      `a chunked ${method} with a request as its chunk`,
      'one',
      `${head(method, ['Transfer-Encoding: chunked'])}12\r\nGET /inner HTTP/1.\r\n0\r\n\r\n`,
      [{ body: 'GET /inner HTTP/1.' }],
    ),
  ),
  chunked('a chunked body and then another request', 'one', '0\r\n\r\n'),
  ...besideALength,
  ...alone,
];
