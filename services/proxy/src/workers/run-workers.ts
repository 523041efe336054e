import { randomBytes } from 'node:crypto';
import type { App } from '@spawner/service';
import { publicAddresses } from '../cluster/public-addresses.ts';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { Supervisor } from './supervisor.ts';
import { TicketKeys } from './ticket-keys.ts';
import { workerEnvironment } from './worker-environment.ts';
import { forkWorker } from './worker-process.ts';

type Serve = (config: ProxyConfig, app: App) => Promise<void>;

/** A proxy of one worker is this process; one of more is a supervisor here and a process for each, which serves by itself. */
export function inWorkers(serve: Serve): Serve {
  return (config, app) => (config.workers === 1 ? serve(config, app) : supervise(config, app));
}

/** Resolves when all workers serve. */
async function supervise(config: ProxyConfig, app: App): Promise<void> {
  const { clock, log, signal } = app;
  const { addresses } = await app.connect('the public address', () => publicAddresses(config));
  const supervisor = app.own(
    new Supervisor({
      count: config.workers,
      drainMs: Math.max(0, config.drainMs - TIMEOUTS.drainKilling),
      fork: (slot, owner) => forkWorker(workerEnvironment(config, slot, addresses), owner),
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
