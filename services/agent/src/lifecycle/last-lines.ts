/** Lines of output that a backend's record keeps after its end. */
export const LAST_LINES = 20;
/** Characters of one line. */
const MOST_OF_ONE = 1_000;
/** Bytes of all lines, in UTF-8. */
const MOST = 8 * 1024;

/**
 * The last lines that a record keeps, without the first of them if there is no room. The bound matters because a program
 * may write lines of any length, and a list of a thousand records travels in one message. Pure.
 */
export function lastLines(lines: readonly string[]): string[] {
  const kept = lines.slice(-LAST_LINES).map((line) => cut(line, MOST_OF_ONE));
  let bytes = kept.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  while (bytes > MOST) bytes -= Buffer.byteLength(kept.shift() ?? '');
  return kept;
}

/** The text up to `most` characters, with an ellipsis if there are more. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
