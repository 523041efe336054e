/** Lines of output that a backend's record keeps after its end. */
export const LAST_LINES = 20;
/** Of one line, in characters, and of all lines together, in bytes of UTF-8. */
const MOST_OF_ONE = 1_000;
const MOST = 8 * 1024;

/**
 * What a record keeps of a program's last lines: a program may write lines of any length, and a list of a thousand
 * records travels in one message. The first of them go where there is no room. Pure.
 */
export function lastLines(lines: readonly string[]): string[] {
  const kept = lines.slice(-LAST_LINES).map(cut);
  let bytes = kept.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  while (bytes > MOST) bytes -= Buffer.byteLength(kept.shift() ?? '');
  return kept;
}

function cut(line: string): string {
  return line.length > MOST_OF_ONE ? `${line.slice(0, MOST_OF_ONE)}…` : line;
}
