import { OnLeaseLoss } from './gen/spawner/v1/backend.ts';
import { endsWithLease } from './on-lease-loss.ts';

describe('endsWithLease', () => {
  const key = { namespace: '', name: 'a', tag: '' };
  it.each([
    [OnLeaseLoss.UNSPECIFIED, key, true],
    [OnLeaseLoss.UNSPECIFIED, undefined, false],
    [OnLeaseLoss.CONTINUE, key, false],
    [OnLeaseLoss.STOP, undefined, true],
  ])('on_lease_loss %d with key %j: %s', (onLeaseLoss, holder, ends) => {
    expect(endsWithLease(onLeaseLoss, holder)).toBe(ends);
  });
});
