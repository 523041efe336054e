import { mergedMetrics } from './merged-metrics.ts';

const told = (requests: string, more = '') =>
  `# HELP requests_total Requests\n# TYPE requests_total counter\n${requests}\n${more}`;

describe('the metrics of several workers', () => {
  it('stand together by metric, each sample with its worker', () => {
    const up = '# HELP up Whether it runs\n# TYPE up gauge\nup 1\n';
    const merged = mergedMetrics([
      { worker: 'supervisor', text: up },
      { worker: '1', text: told('requests_total{status="2xx"} 3\nrequests_total{status="5xx"} 1', up) },
      { worker: '2', text: told('requests_total{status="2xx"} 4') },
    ]);
    expect(merged.split('\n')).toEqual([
      '# HELP up Whether it runs',
      '# TYPE up gauge',
      'up{worker="supervisor"} 1',
      'up{worker="1"} 1',
      '# HELP requests_total Requests',
      '# TYPE requests_total counter',
      'requests_total{worker="1",status="2xx"} 3',
      'requests_total{worker="1",status="5xx"} 1',
      'requests_total{worker="2",status="2xx"} 4',
      '',
    ]);
  });

  it('keep the samples of a histogram, and braces in values of labels', () => {
    const text = '# TYPE took histogram\ntook_bucket{le="1",path="/{a} b"} 1\ntook_sum{} 0.5\ntook_count 1\n';
    expect(mergedMetrics([{ worker: '7', text }]).split('\n')).toEqual([
      '# TYPE took histogram',
      'took_bucket{worker="7",le="1",path="/{a} b"} 1',
      'took_sum{worker="7"} 0.5',
      'took_count{worker="7"} 1',
      '',
    ]);
  });

  it('are those of the others where one told nothing', () => {
    const merged = mergedMetrics([
      { worker: '1', text: '' },
      { worker: '2', text: told('requests_total 4') },
    ]);
    expect(merged).toBe(told('requests_total{worker="2"} 4'));
  });
});
