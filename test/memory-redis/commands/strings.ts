import { HarnessError } from '../errors.ts';
import { OK } from '../reply.ts';
import { arg, commandsOf } from './command.ts';

export const STRING_COMMANDS = commandsOf({
  GET: [2, ({ keys }, args) => keys.string(arg(args, 0)) ?? null],
  SET: [
    -3,
    ({ keys }, args) => {
      if (args.length > 2) throw new HarnessError(`SET ${args[2]} is not implemented`);
      keys.put(arg(args, 0), arg(args, 1));
      return OK;
    },
  ],
});
