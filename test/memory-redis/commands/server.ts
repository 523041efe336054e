import { ErrorReply, HarnessError } from '../errors.ts';
import { integer } from '../integers.ts';
import { OK, Status } from '../reply.ts';
import { arg, commandsOf, type ServerState } from './command.ts';
import { globOf } from './keys.ts';

type Section = (server: ServerState) => string;

/** Each with what somebody here reads of it. */
const SECTIONS: Record<string, Section> = {
  server: ({ runId }) => `# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:${runId}\r\n`,
  persistence: ({ config }) =>
    `# Persistence\r\nloading:0\r\nrdb_bgsave_in_progress:0\r\naof_enabled:${config.get('appendonly') === 'yes' ? 1 : 0}\r\n`,
  replication: ({ replicas }) => `# Replication\r\nrole:master\r\nconnected_slaves:${replicas}\r\n`,
};
const EVERY = ['all', 'everything', 'default'];

/** The sections that were asked for, or all. */
function info(server: ServerState, args: string[]): string {
  const wanted = args.map((name) => name.toLowerCase());
  const every = wanted.length === 0 || wanted.some((name) => EVERY.includes(name));
  const names = every ? Object.keys(SECTIONS) : Object.keys(SECTIONS).filter((name) => wanted.includes(name));
  return names.map((name) => SECTIONS[name]?.(server)).join('\r\n');
}

/** What Redis answers where nobody has set anything. */
export const CONFIG_DEFAULTS: Record<string, string> = {
  appendfsync: 'everysec',
  appendonly: 'no',
  maxmemory: '0',
  'maxmemory-policy': 'noeviction',
  'min-replicas-max-lag': '10',
  'min-replicas-to-write': '0',
  save: '3600 1 300 100 60 10000',
};

/** A parameter that is not listed is answered with nothing, as Redis answers for one that it does not have. */
function config({ config: settings }: ServerState, args: string[]) {
  const [subcommand = '', ...rest] = args;
  if (subcommand.toUpperCase() === 'GET') {
    const globs = rest.map((pattern) => globOf(pattern.toLowerCase()));
    return [...settings].filter(([name]) => globs.some((glob) => glob.test(name))).flat();
  }
  if (subcommand.toUpperCase() !== 'SET') throw new HarnessError(`CONFIG ${subcommand} is not kept here`);
  for (let at = 0; at + 1 < rest.length; at += 2) {
    if (!settings.has(arg(rest, at)))
      throw new HarnessError(`the parameter ${arg(rest, at)} is not kept here`);
    settings.set(arg(rest, at), arg(rest, at + 1));
  }
  return OK;
}

const SERVER_COMMANDS_IN_SCRIPTS = commandsOf({
  PING: [-1, (_, args) => args[0] ?? new Status('PONG')],
  ECHO: [2, (_, args) => arg(args, 0)],
  TIME: [
    1,
    ({ nowMicros }) => {
      const now = nowMicros();
      return [String(Math.floor(now / 1_000_000)), String(Math.floor(now % 1_000_000))];
    },
  ],
  INFO: [-1, info],
});

/** They are the server's own: it runs scripts, a command does not. */
const ownCommand = () => {
  throw new HarnessError('a script is run by the server itself');
};

const SERVER_COMMANDS_OUTSIDE = commandsOf(
  {
    EVAL: [-3, ownCommand],
    EVALSHA: [-3, ownCommand],
    SCRIPT: [-2, ownCommand],
    CONFIG: [-2, config],
    WAIT: [
      3,
      ({ replicas }, args) => {
        integer(arg(args, 0));
        if (integer(arg(args, 1)) < 0) throw new ErrorReply('ERR timeout is negative');
        return replicas;
      },
    ],
  },
  false,
);

export const SERVER_COMMANDS = [...SERVER_COMMANDS_IN_SCRIPTS, ...SERVER_COMMANDS_OUTSIDE];
