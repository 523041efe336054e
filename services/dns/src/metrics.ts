import { counter } from '@spawner/service';

/** The metrics of dns. Created after the meter provider has started. */
export interface Metrics {
  answered(type: string, rcode: string, transport: 'udp' | 'tcp'): void;
}

export function createMetrics(): Metrics {
  const queries = counter('spawner.dns.queries', 'Questions answered, by type, code and transport');
  return { answered: (type, rcode, transport) => queries({ type, rcode, transport }) };
}
