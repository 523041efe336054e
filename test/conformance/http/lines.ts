/** Where a line of a message ends, for those who take only CR LF (RFC 9112 §2.2) and for those who take less. */

/** The bytes end before the message does. */
export class Unfinished extends Error {}
/** No message of these habits. */
export class Fault extends Error {}

export type LineEnd = 'CRLF' | 'LF' | 'CR';

export interface Line {
  text: string;
  /** Offset of what follows it. */
  next: number;
}

/** The line that begins at this offset; throws `Unfinished` where its end has not come, and `Fault` for a bare CR or LF. */
export function lineAt(bytes: string, at: number, lineEnd: LineEnd): Line {
  const end = lineEnd === 'CR' ? /\r\n?|\n/g : /\n/g;
  end.lastIndex = at;
  const match = end.exec(bytes);
  const stop = match?.index ?? bytes.length;
  const text = bytes.slice(at, stop);
  if (lineEnd === 'CRLF') {
    const bare = text.indexOf('\r');
    if (bare >= 0 && bare < text.length - 1) throw new Fault('a bare CR');
    if (match && bare < 0) throw new Fault('a bare LF');
  }
  if (!match) throw new Unfinished();
  return { text: text.replace(/\r$/, ''), next: stop + match[0].length };
}
