import { counter } from '@spawner/service';

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of dns. Created after the meter provider has started. */
export function createMetrics() {
  const queries = counter('spawner.dns.queries', 'Questions answered, by type, code and transport');
  return {
    answered: (type: string, rcode: string, transport: 'udp' | 'tcp') => queries({ type, rcode, transport }),
  };
}
