import { eventually, type ReceivedSpan, request, startOtlpReceiver } from '@spawner/testkit';
import { startCluster } from '../cluster/cluster.ts';

/** `name` with the spans below it, siblings in alphabetical order. */
type Tree = [name: string, ...below: Tree[]];

function treeOf(root: ReceivedSpan, spans: readonly ReceivedSpan[]): Tree {
  const below = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
  return [`${root.service}: ${root.name}`, ...below.map((span) => treeOf(span, spans)).sort()];
}

describe('a spawn', () => {
  it('is one trace from the caller through gateway, scheduler and agent to the first byte', async () => {
    await using collector = await startOtlpReceiver();
    const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    await using cluster = await startCluster({
      env: { gateway: tracing, scheduler: tracing, agent: tracing },
    });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const caller = '00f067aa0ba902b7';
    const answer = await request({
      port: cluster.gateway.port,
      method: 'POST',
      path: '/v1/backends',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${caller}-01` },
      body: JSON.stringify({ spec: { image: 'spawner/probe:latest' } }),
    });
    const { id } = JSON.parse(answer.body).backend;
    const { status } = await cluster.fetchBackend(id);
    expect(status).toBe(200);
    const ofSpawn = () => collector.spans.filter((span) => span.traceId === traceId);
    // Every process exports its spans in its own time.
    await eventually(
      () => {
        const roots = ofSpawn().filter(({ parentSpanId }) => parentSpanId === caller);
        expect(roots).toHaveLength(1);
        const [root] = roots as [ReceivedSpan];
        const names = ofSpawn()
          .map(({ service, name }) => `${service}: ${name}`)
          .sort();
        const flat = (tree: Tree): string[] => [tree[0], ...(tree.slice(1) as Tree[]).flatMap(flat)];
        const tree = treeOf(root, ofSpawn());
        expect(flat(tree).sort()).toEqual(names);
        expect(tree).toEqual([
          'gateway: POST /v1/backends',
          [
            'gateway: spawn backend',
            [
              'scheduler: SchedulerService/SpawnBackend',
              [
                'agent: AgentService/StartBackend',
                ['agent: create container'],
                ['agent: first byte'],
                ['agent: pull image'],
                ['agent: start container'],
                ['agent: wait for a place'],
                ['agent: wait ready'],
              ],
              ['scheduler: place backend'],
            ],
          ],
        ]);
      },
      { timeoutMs: 60_000 },
    );
    expect(ofSpawn().filter(({ failed }) => failed)).toEqual([]);
    for (const [service] of Object.values(cluster.services))
      expect(await service!.admin('/metrics')).toContain(`service_name="${service!.service}"`);
    for (const service of [cluster.gateway, cluster.scheduler, cluster.agent])
      expect(await service.admin('/metrics')).toContain(`spawner_${service.service}_`);
    await eventually(() => expect(cluster.agent.log()).toContain(`"trace_id":"${traceId}"`));
  });
});
