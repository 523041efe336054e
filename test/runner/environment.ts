/**
 * The environment of every test file. When its tests and hooks are over, the file fails for each complaint that no test
 * expected: a program left running, an error in the log of a service (libs/testkit/src/complaints.ts).
 */
import { TestEnvironment as NodeEnvironment } from 'jest-environment-node';
import { unexpectedComplaints } from '../../libs/testkit/src/complaints.ts';

interface CircusEvent {
  name: string;
}

interface CircusState {
  unhandledErrors: unknown[];
}

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
