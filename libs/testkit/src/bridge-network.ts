import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { opened } from './complaints.ts';
import { presentMark } from './test-run.ts';

export interface BridgeNetwork extends AsyncDisposable {
  name: string;
  stop(): Promise<void>;
}

type Run = (...args: string[]) => Promise<{ stdout: string }>;

/** Beyond what agents take for their containers unless told otherwise, so that no agent is in the way of another's test. */
const RANGE = '10.245';

/**
 * Makes a bridge device with a /24 of its own, for which it needs root; gone after `stop`. `prefix` goes before each
 * command: a bridge can be made in another network namespace.
 */
export async function makeBridge(prefix: readonly string[] = []): Promise<BridgeNetwork> {
  const run = (...command: string[]) => {
    const [file = '', ...args] = [...prefix, ...command];
    return promisify(execFile)(file, args, { env: { ...process.env, PATH: pathWithSbin() } });
  };
  const ip: Run = (...args) => run('ip', ...args);
  const { name, address } = await unused(ip);
  await ip('link', 'add', 'name', name, 'type', 'bridge');
  const gone = opened(`the bridge ${name}`);
  const stop = async () => {
    await ip('link', 'delete', name);
    await forget(name, (...args) => run('iptables', '-w', ...args));
    gone();
  };
  try {
    await ip('link', 'set', name, 'alias', presentMark());
    await ip('address', 'add', address, 'dev', name);
    await ip('link', 'set', name, 'up');
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, stop, [Symbol.asyncDispose]: stop };
}

/** An engine that ends leaves its rules for the bridge in the firewall. */
async function forget(bridge: string, iptables: Run) {
  for (const table of ['filter', 'nat']) {
    const { stdout: rules } = await iptables('-t', table, '-S');
    for (const rule of rules.split('\n').map((line) => line.split(' ')))
      if (rule[0] === '-A' && rule.includes(bridge)) await iptables('-t', table, '-D', ...rule.slice(1));
  }
}

async function unused(ip: Run) {
  const { stdout: taken } = await ip('-oneline', 'address');
  for (let tries = 0; tries < 100; tries += 1) {
    const number = randomInt(1, 255);
    if (!taken.includes(` ${RANGE}.${number}.`))
      return { name: `spawnt${number}`, address: `${RANGE}.${number}.1/24` };
  }
  throw new Error(`no free network in ${RANGE}.0.0/16`);
}

function pathWithSbin(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
}
