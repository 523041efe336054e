import { monitorEventLoopDelay } from 'node:perf_hooks';
import { metrics } from '@opentelemetry/api';

/** The interval at which the loop's delay is sampled, in milliseconds. Sampling runs no JavaScript. */
const SAMPLE_MS = 10;

/**
 * Metrics of the process itself (OpenTelemetry semantic conventions, Node.js runtime). The delay of the event loop is in seconds
 * beyond the sampling interval, since the last scrape. Active resources are counted by type; timers have the type `Timeout`. Called
 * once at start, after `startMetrics`.
 */
export function watchRuntime(): void {
  const meter = metrics.getMeter('spawner');
  const delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  delay.enable();
  const gauge = (name: string, description: string, unit = '') =>
    meter.createObservableGauge(name, { description, unit });
  const ofDelay = (name: string) =>
    gauge(`nodejs.eventloop.delay.${name}`, `Event loop delay since the last reading: ${name}`, 's');
  const [p50, p99, max] = [ofDelay('p50'), ofDelay('p99'), ofDelay('max')];
  const resources = gauge('nodejs.active_resources', 'What keeps the process alive now, by type');
  meter.addBatchObservableCallback(
    (result) => {
      result.observe(p50, secondsBeyond(delay.percentile(50)));
      result.observe(p99, secondsBeyond(delay.percentile(99)));
      result.observe(max, secondsBeyond(delay.max));
      delay.reset();
      for (const [type, count] of activeResources()) result.observe(resources, count, { type });
    },
    [p50, p99, max, resources],
  );
}

/** Samples are whole intervals, in nanoseconds. */
function secondsBeyond(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - SAMPLE_MS) / 1e3;
}

function activeResources(): Map<string, number> {
  const counts = new Map<string, number>([['Timeout', 0]]);
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}
