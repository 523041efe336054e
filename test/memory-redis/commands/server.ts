import { HarnessError } from '../errors.ts';
import { commandsOf, type ServerState } from './command.ts';

/** The lines of INFO that a script reads, beside two that show which section they belong to. */
function info({ runId }: ServerState, [section]: string[]): string {
  if (section !== 'server') throw new HarnessError(`INFO ${section ?? ''} is not implemented`);
  return `# Server\r\nredis_mode:standalone\r\nrun_id:${runId}\r\n`;
}

const SERVER_COMMANDS_IN_SCRIPTS = commandsOf({
  TIME: [
    1,
    ({ nowMicros }) => {
      const now = nowMicros();
      return [String(Math.floor(now / 1_000_000)), String(Math.floor(now % 1_000_000))];
    },
  ],
  INFO: [-1, info],
});

/** The server runs scripts; a command cannot. */
const ownCommand = () => {
  throw new HarnessError('a script is run by the server itself');
};

const SERVER_COMMANDS_OUTSIDE = commandsOf(
  {
    EVAL: [-3, ownCommand],
    EVALSHA: [-3, ownCommand],
    SCRIPT: [-2, ownCommand],
    // The store has no replicas, so that no number of them ever confirms a write.
    WAIT: [3, () => 0],
  },
  false,
);

export const SERVER_COMMANDS = [...SERVER_COMMANDS_IN_SCRIPTS, ...SERVER_COMMANDS_OUTSIDE];
