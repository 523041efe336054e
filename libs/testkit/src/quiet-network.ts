/**
 * A network for a program that gives up its connections whenever an interface of its machine changes, as Chromium does: other
 * tests start containers. It is a namespace of its own, with one wire to this machine. Needs root.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { makeNamespace } from './network-namespace.ts';
import { tempDir } from './temp-dir.ts';

export interface QuietNetwork extends AsyncDisposable {
  /** This machine, as it is seen from inside. */
  hostAddress: string;
  /** Starts the program inside, with any arguments. */
  executablePath: string;
}

const NO_IPV6 = '/proc/sys/net/ipv6/conf/all/disable_ipv6';

export async function quietNetworkFor(command: string): Promise<QuietNetwork> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('quiet'));
  const { hostAddress, prefix } = stack.use(await makeNamespace());
  // An address of IPv6 changes once more, when the kernel has found that it is unique.
  const [nsenter = '', ...inside] = [...prefix, 'sh', '-c', `echo 1 > ${NO_IPV6}`];
  await run(nsenter, ...inside);
  const executablePath = join(dir.path, 'start');
  const script = `#!/bin/sh\nexec ${prefix.join(' ')} ${command} "$@"\n`;
  await writeFile(executablePath, script, { mode: 0o755 });
  const disposables = stack.move();
  return { hostAddress, executablePath, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}
