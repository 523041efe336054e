import { HarnessError } from '../errors.ts';
import type { Command } from './command.ts';
import { HASH_COMMANDS } from './hashes.ts';
import { KEY_COMMANDS } from './keys.ts';
import { SERVER_COMMANDS } from './server.ts';
import { SET_COMMANDS } from './sets.ts';
import { SORTED_SET_COMMANDS } from './sorted-sets.ts';
import { STREAM_COMMANDS } from './streams.ts';
import { STRING_COMMANDS } from './strings.ts';

const COMMANDS = new Map<string, Command>(
  [
    ...STRING_COMMANDS,
    ...KEY_COMMANDS,
    ...HASH_COMMANDS,
    ...SET_COMMANDS,
    ...SORTED_SET_COMMANDS,
    ...STREAM_COMMANDS,
    ...SERVER_COMMANDS,
  ].map((command) => [command.name, command]),
);

/** A command by its name in any case. One that is not kept here is a fault of ours, not an answer of Redis. */
export function commandOf(name: string): Command {
  const command = COMMANDS.get(name) ?? COMMANDS.get(name.toUpperCase());
  if (!command) throw new HarnessError(`the command ${name} is not kept here`);
  return command;
}
