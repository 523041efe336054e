import { randomBytes } from 'node:crypto';
import type { App } from '@spawner/service';
import { publicAddresses } from '../cluster/proxy-node.ts';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { Supervisor } from './supervisor.ts';
import { TicketKeys } from './ticket-keys.ts';
import { workerEnvironment } from './worker-environment.ts';
import { forkWorker } from './worker-process.ts';

type Serve = (config: ProxyConfig, app: App) => Promise<void>;

/** A proxy with one worker is this process. With more, this process is their supervisor, and each serves by itself. */
export function inWorkers(serve: Serve): Serve {
  return (config, app) => (config.workers === 1 ? serve(config, app) : supervise(config, app));
}

/** Resolves when all workers serve. */
async function supervise(config: ProxyConfig, app: App): Promise<void> {
  const { clock, log, signal } = app;
  const addresses = await findAddresses(config, app);
  const supervisor = app.own(
    new Supervisor({
      count: config.workers,
      drainMs: Math.max(0, config.drainMs - TIMEOUTS.drainKilling),
      fork: (slot, owner) => forkWorker(workerEnvironment(config, slot, addresses.found), owner),
      tickets: new TicketKeys(randomBytes, clock.now()),
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

interface Addresses {
  /** Undefined while the service that knows them is away. */
  found: readonly string[] | undefined;
}

/**
 * Asks once for all workers. Without a state directory no worker could serve before the answer, so this waits for it. Workers
 * with snapshots serve alone, so they are started after a while and ask by themselves.
 */
async function findAddresses(config: ProxyConfig, app: App): Promise<Addresses> {
  const addresses: Addresses = { found: undefined };
  const needed = config.stateDir === '';
  const asking = app.connect(
    'the public address',
    async () => {
      addresses.found = await publicAddresses(config);
      return { close: () => {} };
    },
    { needed },
  );
  if (needed) await asking;
  else await Promise.race([asking, app.clock.sleep(TIMEOUTS.aloneAfter, app.signal)]);
  asking.catch(() => {});
  return addresses;
}
