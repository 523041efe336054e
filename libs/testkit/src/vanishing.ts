import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Addresses of the loopback network that can be cut off at once, both ways and without a word (iptables; needs root):
 * what a laptop's lid does to its connections. Every rule stands in a chain of its own, which disposing takes away.
 */
export interface Vanishing extends AsyncDisposable {
  /** An address that nobody else uses. */
  address(): string;
  vanish(address: string): Promise<void>;
}

const NETWORK = '127.77';

export async function startVanishing(): Promise<Vanishing> {
  const chain = `VANISHED-${process.pid}`;
  const hooks = [
    ['INPUT', '-i', 'lo', '-s', `${NETWORK}.0.0/16`, '-j', chain],
    ['INPUT', '-i', 'lo', '-d', `${NETWORK}.0.0/16`, '-j', chain],
  ];
  const iptables = (...args: string[]) => run('iptables', ['-w', '10', ...args]);
  await iptables('-N', chain);
  for (const hook of hooks) await iptables('-I', ...hook);
  let given = 0;
  return {
    address: () => {
      given += 1;
      return `${NETWORK}.${(given >> 8) & 255}.${given & 255}`;
    },
    vanish: async (address) => {
      await Promise.all(['-s', '-d'].map((side) => iptables('-A', chain, side, address, '-j', 'DROP')));
    },
    [Symbol.asyncDispose]: async () => {
      for (const hook of hooks) await iptables('-D', ...hook);
      await iptables('-F', chain);
      await iptables('-X', chain);
    },
  };
}
