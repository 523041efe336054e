/** The last lines of a program's log, for people: JSON lines of services become plain ones. */
import { existsSync, readFileSync } from 'node:fs';

const LONGEST_LINE = 300;

/** The last lines of a log file, with long ones cut. Empty if there is no file. */
export function lastLines(file: string, count: number): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).map(readable);
}

/** A line of a service as its level, message and error text; any other line unchanged. */
export function readable(line: string): string {
  const text = plainOf(line) ?? line;
  return text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
}

function plainOf(line: string): string | undefined {
  try {
    const { level, msg, error } = JSON.parse(line) as Record<string, unknown>;
    if (typeof level !== 'string' || typeof msg !== 'string') return undefined;
    const words = error && typeof error === 'object' && 'message' in error ? `: ${error.message}` : '';
    return `${level}  ${msg}${words}`;
  } catch {
    return undefined;
  }
}
