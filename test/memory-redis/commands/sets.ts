import { arg, commandsOf } from './command.ts';

export const SET_COMMANDS = commandsOf({
  SADD: [
    -3,
    ({ keys }, [key = '', ...members]) => {
      const set = keys.set(key) ?? new Set<string>();
      const before = set.size;
      for (const member of members) set.add(member);
      if (set.size > before) keys.put(key, set);
      return set.size - before;
    },
  ],
  SREM: [
    -3,
    ({ keys }, [key = '', ...members]) => {
      const set = keys.set(key);
      if (!set) return 0;
      const gone = members.filter((member) => set.delete(member)).length;
      if (gone > 0) keys.put(key, set);
      return gone;
    },
  ],
  SMEMBERS: [2, ({ keys }, args) => [...(keys.set(arg(args, 0)) ?? [])]],
  SCARD: [2, ({ keys }, args) => keys.set(arg(args, 0))?.size ?? 0],
});
