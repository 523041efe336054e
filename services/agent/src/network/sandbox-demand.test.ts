import { SandboxDemand } from './sandbox-demand.ts';

const MINUTE = 60_000;

describe('the demand for sandboxes', () => {
  const after = (resting: number, ...starts: [count: number, at: number][]) => {
    const demand = new SandboxDemand(resting);
    for (const [count, at] of starts) for (let index = 0; index < count; index++) demand.started(at);
    return (now: number) => demand.wanted(now);
  };

  it('is the resting number while few backends start', () => {
    expect(after(16)(0)).toBe(16);
    expect(after(16, [5, 0], [5, 30_000])(31_000)).toBe(16);
  });

  it('is that of the greatest crowd of the last 10 minutes', () => {
    const wanted = after(16, [30, 0], [20, MINUTE]);
    expect([wanted(MINUTE), wanted(9 * MINUTE), wanted(11 * MINUTE)]).toEqual([30, 30, 16]);
  });

  it('counts a crowd that arrives across the end of a span', () => {
    expect(after(16, [15, 9_999], [15, 10_001])(10_001)).toBe(30);
  });

  it('has a limit', () => expect(after(16, [500, 0])(0)).toBe(64));

  it('is none at all if the resting number is 0', () => {
    expect(after(0, [500, 0])(0)).toBe(0);
    expect(new SandboxDemand(0).none).toBe(true);
  });
});
