import { randomBytes } from 'node:crypto';
import type { App } from '@spawner/service';
import { publicAddresses } from '../cluster/proxy-node.ts';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { Supervisor } from './supervisor.ts';
import { workerEnvironment } from './worker-environment.ts';
import { forkWorker } from './worker-process.ts';

type Serve = (config: ProxyConfig, app: App) => Promise<void>;

/** A proxy with one worker is this process. With more, this process is their supervisor, and each serves by itself. */
export function inWorkers(serve: Serve): Serve {
  return (config, app) => (config.workers === 1 ? serve(config, app) : supervise(config, app));
}

/** Node's format: a name, a key for the seal and one for the cipher. */
const TICKET_KEY_BYTES = 48;

/** Asks for the public addresses once for all workers, and starts them. Resolves when all workers serve. */
async function supervise(config: ProxyConfig, app: App): Promise<void> {
  const { clock, log, signal } = app;
  let addresses: readonly string[] | undefined;
  const findAddresses = async () => {
    addresses = await publicAddresses(config);
    return { close: () => {} };
  };
  // Without a state directory no worker could serve before the answer. Workers with snapshots serve alone, so they are started
  // after a while and ask by themselves.
  const needed = config.stateDir === '';
  const asking = app.connect('the public address', findAddresses, { needed });
  await (needed ? asking : Promise.race([asking, clock.sleep(TIMEOUTS.aloneAfter, signal)]));
  asking.catch(() => {});
  const supervisor = app.own(
    new Supervisor({
      count: config.workers,
      drainMs: Math.max(0, config.drainMs - TIMEOUTS.drainKilling),
      fork: (slot, owner) => forkWorker(workerEnvironment(config, slot, addresses), owner),
      ticketKeys: () => randomBytes(TICKET_KEY_BYTES),
      clock,
      log,
      random: Math.random,
    }),
  );
  process.once('exit', () => supervisor.killAll());
  app.readyWhen(() => supervisor.waitingFor());
  app.metricsThrough((own) => supervisor.metrics(own));
  await supervisor.complete(signal);
}
