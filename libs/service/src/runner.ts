import { backoffMs, type Clock, inTime, systemClock } from '@spawner/domain';
import type { SharedConfig } from './config.ts';
import { ConfigError, type Environment } from './env.ts';
import { createLog, type Log, masked } from './log.ts';
import { startMetrics } from './metrics.ts';
import { Outage } from './outage.ts';
import { OWN_PLACE, type Place } from './place.ts';
import { watchRuntime } from './runtime-metrics.ts';
import { startTracing } from './tracing.ts';

/** Something that was opened and must be closed. */
export interface Closable {
  close(): Promise<void> | void;
}

/** The means of a composition root. */
export type App = Pick<
  Chassis,
  'log' | 'clock' | 'signal' | 'own' | 'connect' | 'readyWhen' | 'metricsThrough' | 'every'
>;

/**
 * Runs a service: configuration, log, tracing, metrics, the admin port, then `build`, until SIGTERM or SIGINT. A second signal ends
 * the process at once. `--check-config` ends after the first step. `placeOf` says how the process is administered; by default it
 * has its own admin port.
 */
export async function run<C extends SharedConfig>(
  service: string,
  readConfig: (env: Environment) => C,
  build: (config: C, app: App) => Promise<void>,
  placeOf: (config: C) => Place = () => OWN_PLACE,
): Promise<void> {
  const config = configOrExit(service, readConfig);
  const place = placeOf(config);
  const log = createLog(service, config.logLevel, place.logFields);
  if (process.argv.includes('--check-config'))
    return log.info({ config: masked(config) }, 'the configuration is valid');
  log.info({ config: masked(config), pid: process.pid, node: process.version }, 'starting');

  const chassis = new Chassis(log, systemClock);
  const tracing = await startTracing(service, process.env);
  const metrics = startMetrics(service);
  watchRuntime();
  const stop = whenToStop(log, chassis, config.drainMs, place);
  process.on('unhandledRejection', (error) => log.error({ error }, 'unhandled rejection'));
  try {
    chassis.own(
      await place.serveAdmin(config, {
        waitingFor: () => chassis.waitingFor(),
        metrics: async () => chassis.gather(await metrics.text()),
      }),
    );
    // A start that hangs must not outlive the order to stop.
    const started = await Promise.race([build(config, chassis).then(() => true), stop.then(() => false)]);
    if (started) {
      chassis.started = true;
      log.info('started');
      await stop;
    }
  } catch (error) {
    if (!chassis.signal.aborted) {
      const misconfigured = error instanceof ConfigError;
      if (misconfigured) log.fatal({ problems: error.problems }, error.message);
      else log.fatal({ error }, 'cannot start');
      process.exitCode = misconfigured ? 2 : 1;
    }
    chassis.drain();
  }
  await inTime(chassis.close(), config.drainMs, () => log.warn('not everything closed in time'));
  await inTime(Promise.all([tracing.close(), metrics.close()]), 2_000, () => {});
  log.info('stopped');
  process.exit();
}

function configOrExit<C>(service: string, readConfig: (env: Environment) => C): C {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLog(service, 'info').fatal({ problems: error.problems }, error.message);
    process.exit(2);
  }
}

function whenToStop(log: Log, chassis: Chassis, drainMs: number, place: Place): Promise<void> {
  return new Promise((resolve) => {
    const begin = (cause: string) => {
      if (chassis.signal.aborted) return;
      log.info({ signal: cause, drain_ms: drainMs }, 'stopping');
      chassis.drain();
      resolve();
    };
    const onSignal = (name: string) => (chassis.signal.aborted ? process.exit(1) : begin(name));
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    place.onStop(begin);
  });
}

/** Everything it owns is closed in reverse order, after `signal` has aborted. */
class Chassis {
  readonly log: Log;
  readonly clock: Clock;
  started = false;
  gather: (own: string) => Promise<string> = async (own) => own;
  readonly #abort = new AbortController();
  readonly #owned: Closable[] = [];
  readonly #waiting = new Set<string>();
  readonly #conditions: (() => string | undefined)[] = [];

  constructor(log: Log, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  /** Aborts at the start of draining. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  own<T extends Closable>(thing: T): T {
    this.#owned.push(thing);
    return thing;
  }

  /**
   * Opens something that may not be available yet: retries with backoff and logs each failure. If it is `needed`, which is the
   * default, the service is not ready before.
   */
  async connect<T extends Closable>(
    what: string,
    open: () => Promise<T>,
    { needed = true } = {},
  ): Promise<T> {
    if (needed) this.#waiting.add(what);
    for (let attempt = 0; ; attempt++) {
      try {
        const thing = this.own(await open());
        this.#waiting.delete(what);
        if (attempt > 0) this.log.info({ what }, `${what} is available`);
        return thing;
      } catch (error) {
        this.signal.throwIfAborted();
        // A retry would find the same configuration.
        if (error instanceof ConfigError) throw error;
        const ms = backoffMs(attempt, Math.random);
        this.log.warn({ error, again_in_ms: Math.round(ms) }, `waiting for ${what}`);
        await this.clock.sleep(ms, this.signal);
      }
    }
  }

  /** Adds a readiness condition, which returns undefined or a phrase that names the missing thing. */
  readyWhen(check: () => string | undefined): void {
    this.#conditions.push(check);
  }

  /** Replaces the answer of /metrics. `gather` gets the process's own metrics in Prometheus's text format. Called at most once. */
  metricsThrough(gather: (own: string) => Promise<string>): void {
    this.gather = gather;
  }

  /** Runs `work` again `everyMs` after each end, until the app stops. Errors are logged once per outage. */
  every(what: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    const begins = `${what} failed; again every ${everyMs} ms`;
    const outage = new Outage(this.log, this.clock, { begins, ends: `${what} works again` });
    const turn = async () => {
      while (!this.signal.aborted) {
        try {
          await work(this.signal);
          outage.over();
        } catch (error) {
          if (!this.signal.aborted) outage.failed(error, { loop: what });
        }
        await this.clock.sleep(everyMs, this.signal).catch(() => {});
      }
    };
    const turning = turn();
    this.own({ close: () => turning });
  }

  waitingFor(): string[] {
    const conditions = this.#conditions.map((check) => check()).filter((phrase) => phrase !== undefined);
    const phrases = [...this.#waiting, ...conditions];
    if (phrases.length === 0 && !this.started) return ['start'];
    return this.signal.aborted ? ['draining', ...phrases] : phrases;
  }

  drain(): void {
    this.#abort.abort(new Error('the service is stopping'));
  }

  async close(): Promise<void> {
    for (let thing = this.#owned.pop(); thing; thing = this.#owned.pop()) {
      try {
        await thing.close();
      } catch (error) {
        this.log.warn({ error }, 'closing failed');
      }
    }
  }
}
