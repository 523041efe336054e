/**
 * The environment of every test file. When its tests and hooks are over, the file fails for each complaint that no test
 * expected: a program left running, an error in the log of a service (libs/testkit/src/complaints.ts).
 */
import { TestEnvironment as NodeEnvironment } from 'jest-environment-node';
import { unexpectedComplaints } from '../../libs/testkit/src/complaints.ts';
import { SHOW_OPEN } from './results.ts';

interface CircusEvent {
  name: string;
}

interface CircusState {
  unhandledErrors: unknown[];
}

if (process.listenerCount(SHOW_OPEN) === 0) process.on(SHOW_OPEN, showOpen);

export default class Environment extends NodeEnvironment {
  async handleTestEvent({ name }: CircusEvent, { unhandledErrors }: CircusState): Promise<void> {
    if (name !== 'run_finish') return;
    for (const text of await unexpectedComplaints(this.global)) unhandledErrors.push(withoutStack(text));
  }
}

/** The stack would name this file alone. */
function withoutStack(text: string): Error {
  const error = new Error(text);
  error.stack = `Error: ${text}`;
  return error;
}

/** Writes the kinds of things that keep this process running, and how many of each. */
function showOpen(): void {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  process.stderr.write(`still open: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}\n`);
}
