import { run, unusedNetwork } from './command.ts';
import { opened } from './complaints.ts';
import { presentMark } from './test-run.ts';

export interface BridgeNetwork extends AsyncDisposable {
  name: string;
  stop(): Promise<void>;
}

/** Beyond what agents take for their containers unless told otherwise, so that no agent is in the way of another's test. */
const RANGE = '10.245';

/**
 * Makes a bridge device with a /24 of its own, for which it needs root; gone after `stop`. `prefix` goes before each
 * command: a bridge can be made in another network namespace.
 */
export async function makeBridge(prefix: readonly string[] = []): Promise<BridgeNetwork> {
  const inside: typeof run = (...command) => {
    const [file = '', ...args] = [...prefix, ...command];
    return run(file, ...args);
  };
  const number = await unusedNetwork(RANGE, inside);
  const name = `spawnt${number}`;
  await inside('ip', 'link', 'add', 'name', name, 'type', 'bridge');
  const gone = opened(`the bridge ${name}`);
  const stop = async () => {
    await inside('ip', 'link', 'delete', name);
    await forget(name, inside);
    gone();
  };
  try {
    await inside('ip', 'link', 'set', name, 'alias', presentMark());
    await inside('ip', 'address', 'add', `${RANGE}.${number}.1/24`, 'dev', name);
    await inside('ip', 'link', 'set', name, 'up');
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, stop, [Symbol.asyncDispose]: stop };
}

/** An engine that ends leaves its rules for the bridge in the firewall. */
async function forget(bridge: string, inside: typeof run) {
  for (const table of ['filter', 'nat']) {
    const rulesOf = async () =>
      (await inside('iptables', '-w', '-t', table, '-S')).stdout
        .split('\n')
        .filter((line) => line.startsWith('-A ') && line.split(' ').includes(bridge));
    for (const rule of await rulesOf())
      await inside('iptables', '-w', '-t', table, '-D', ...rule.split(' ').slice(1)).catch(async (error) => {
        // Another engine that starts empties its chains.
        if ((await rulesOf()).includes(rule)) throw error;
      });
  }
}
