import { BackendSpec } from './gen/spawner/v1/backend.ts';
import { specDigest } from './spec-digest.ts';

const digest = (part: Parameters<typeof BackendSpec.fromPartial>[0]) =>
  specDigest(BackendSpec.fromPartial({ image: 'app', ...part })).toString('hex');

describe('specDigest', () => {
  it('does not depend on the order of names, nor on who pulls', () => {
    const one = digest({ env: { A: '1', B: '2' }, labels: { x: 'y', a: 'b' } });
    const other = digest({
      env: { B: '2', A: '1' },
      labels: { a: 'b', x: 'y' },
      credentials: { username: 'me' },
    });
    expect(other).toBe(one);
  });
  it('is another for another image, environment or timeout', () => {
    const specs = [{}, { image: 'other' }, { env: { A: '1' } }, { env: { A: '2' } }, { idleTimeoutMs: 1 }];
    expect(new Set(specs.map(digest)).size).toBe(specs.length);
  });
});
