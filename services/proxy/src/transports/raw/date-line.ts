let second = 0;
let line = '';

/** The header line of an answer that does not say when it was made (RFC 9110 §6.6.1). */
export function dateLine(now: Date): string {
  const its = Math.floor(now.getTime() / 1_000);
  if (its !== second) {
    second = its;
    line = `Date: ${now.toUTCString()}\r\n`;
  }
  return line;
}
