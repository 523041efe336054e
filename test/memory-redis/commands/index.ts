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

/** The names of all commands, in capitals. */
export const COMMAND_NAMES: readonly string[] = [...COMMANDS.keys()];

/** Whether this is the name of a command, in capitals. */
export function isCommand(name: string): boolean {
  return COMMANDS.has(name);
}

/** A command by its name in any case. Throws a HarnessError for a command that is not implemented. */
export function commandOf(name: string): Command {
  const command = COMMANDS.get(name) ?? COMMANDS.get(name.toUpperCase());
  if (!command) throw new HarnessError(`the command ${name} is not implemented`);
  return command;
}
