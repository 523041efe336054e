import { existsSync } from 'node:fs';
import { run } from './command.ts';
import { opened } from './complaints.ts';

/**
 * Addresses of the loopback network that can be cut off at once, both ways and without a word (iptables; needs root):
 * what a laptop's lid does to its connections. The rules are in a chain of their own, which disposing removes.
 */
export interface Vanishing extends AsyncDisposable {
  /** An address that no other user has. */
  address(): string;
  vanish(address: string): Promise<void>;
}

const NETWORK = '127.77';
const CHAINS = 'VANISHED-';
const ORPHANS = /^-N (VANISHED-(\d+))$/gm;

export async function startVanishing(): Promise<Vanishing> {
  const chain = `${CHAINS}${process.pid}`;
  await removeOrphans();
  const gone = opened(`the firewall chain ${chain}`);
  await iptables('-N', chain);
  for (const hook of hooksOf(chain)) await iptables('-I', ...hook);
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
      await remove(chain);
      gone();
    },
  };
}

function iptables(...args: string[]): Promise<{ stdout: string }> {
  return run('iptables', '-w', '10', ...args);
}

function hooksOf(chain: string): string[][] {
  return ['-s', '-d'].map((side) => ['INPUT', '-i', 'lo', side, `${NETWORK}.0.0/16`, '-j', chain]);
}

async function remove(chain: string): Promise<void> {
  for (const hook of hooksOf(chain)) await iptables('-D', ...hook);
  await iptables('-F', chain);
  await iptables('-X', chain);
}

/** Those of processes that were killed before they could take theirs away. */
async function removeOrphans(): Promise<void> {
  const { stdout } = await iptables('-S');
  for (const [, chain = '', pid] of stdout.matchAll(ORPHANS))
    if (!existsSync(`/proc/${pid}`)) await remove(chain).catch(() => {});
}
