import { type Attributes, metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { resourceOf } from './tracing.ts';

/**
 * Counters and histograms for Prometheus, on each service's admin port. Names are `spawner.<service>.<thing>`. Attributes have few
 * values, so a backend id is never one.
 */
export interface Metrics {
  /** The present values in Prometheus's text format. */
  text(): Promise<string>;
  close(): Promise<void>;
}

export function startMetrics(service: string): Metrics {
  const reader = new ScrapeReader();
  const provider = new MeterProvider({ readers: [reader], resource: resourceOf(service) });
  metrics.setGlobalMeterProvider(provider);
  return {
    text: async () => {
      // It brings an SDK of its own along, which would be a tenth of a service's start.
      const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
      return new PrometheusSerializer().serialize((await reader.collect()).resourceMetrics);
    },
    close: () => provider.shutdown().catch(() => {}),
  };
}

/** Collects only when it is asked. */
class ScrapeReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const meter = () => metrics.getMeter('spawner');

/** Bounds in seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Created once at start, after `startMetrics`. Adding never throws. */
export function counter(name: string, description: string): (attributes?: Attributes, by?: number) => void {
  const instrument = meter().createCounter(name, { description });
  return (attributes = {}, by = 1) => instrument.add(by, attributes);
}

/** A histogram of durations in seconds. */
export function durations(name: string, description: string) {
  const options = { description, unit: 's', advice: { explicitBucketBoundaries: BUCKETS } };
  const instrument = meter().createHistogram(name, options);
  return (seconds: number, attributes: Attributes = {}) => instrument.record(seconds, attributes);
}

/** One value for each value of an attribute, read at each scrape. */
export function gaugeBy(
  name: string,
  description: string,
  attribute: string,
  read: () => Readonly<Record<string, number>>,
): void {
  meter()
    .createObservableGauge(name, { description })
    .addCallback((result) => {
      for (const [which, value] of Object.entries(read())) result.observe(value, { [attribute]: which });
    });
}

/** A value that is read at each scrape. */
export function gauge(name: string, description: string, read: () => number): void {
  meter()
    .createObservableGauge(name, { description })
    .addCallback((result) => result.observe(read()));
}
