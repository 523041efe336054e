import { BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';
import { completeSpec } from './spec.ts';

describe('completeSpec', () => {
  it('keeps what was asked for, zero included', () => {
    const asked = {
      image: 'a',
      port: 1,
      stopGraceMs: 0,
      idleTimeoutMs: 0,
      stopSignal: 'SIGINT',
      pullPolicy: PullPolicy.NEVER,
    };
    expect(completeSpec(BackendSpec.fromPartial(asked))).toMatchObject(asked);
  });
  it('fills in the defaults', () => {
    expect(completeSpec(BackendSpec.fromPartial({ image: 'a' }))).toMatchObject({
      port: 8080,
      idleTimeoutMs: 300_000,
      pullPolicy: PullPolicy.IF_NOT_PRESENT,
      stopSignal: '',
    });
  });
  it('refuses a spec that is missing, and a pull policy that is none', () => {
    expect(() => completeSpec(undefined)).toThrow('spec.image');
    const spec = { ...BackendSpec.fromPartial({ image: 'a' }), pullPolicy: 9 as PullPolicy };
    expect(() => completeSpec(spec)).toThrow('spec.pull_policy');
  });
});
