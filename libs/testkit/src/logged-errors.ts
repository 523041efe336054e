/** Errors in what a service writes: log lines of level error and above, and a crash of Node itself. */
import { createLog, type Log } from '@spawner/service';
import { complain } from './complaints.ts';

const CRASH = /UnhandledPromiseRejection|triggerUncaughtException|FATAL ERROR/;

/** The error of a line of output as one phrase; undefined if the line tells of none. */
export function errorIn(line: string): string | undefined {
  if (line.startsWith('{') && /"level":"(?:error|fatal)"/.test(line)) return phraseOf(line);
  return CRASH.test(line) ? line.trim() : undefined;
}

function phraseOf(line: string): string {
  try {
    const entry = JSON.parse(line) as { service?: string; msg?: string; error?: { message?: string } };
    return [entry.service, entry.msg, entry.error?.message].filter((part) => part).join(': ');
  } catch {
    return line;
  }
}

/** A log for services that run in the test's own process: it writes nothing, and an error logged is a complaint. */
export function testLog(): Log {
  return collecting(createLog('test', 'silent'));
}

function collecting(log: Log): Log {
  const child = log.child.bind(log);
  const report = (first: unknown, message?: string) => complain(`a log said: ${wordsOf(first, message)}`);
  const methods = {
    error: report,
    fatal: report,
    child: (...args: Parameters<typeof child>) => collecting(child(...args) as unknown as Log),
  };
  return Object.assign(log, methods);
}

function wordsOf(first: unknown, message?: string): string {
  if (typeof first === 'string') return first;
  const { error } = (first ?? {}) as { error?: { message?: string } };
  return [message, error?.message].filter((part) => part).join(': ');
}
