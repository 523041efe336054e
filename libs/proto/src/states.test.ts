import { STATES } from '@spawner/domain';
import { BackendState } from './gen/spawner/v1/backend.ts';

describe('the states of the domain', () => {
  it('are those of the wire, with the same numbers', () => {
    expect(BackendState).toMatchObject({ UNSPECIFIED: 0, ...STATES });
    expect(Object.keys(BackendState)).toHaveLength(Object.keys(STATES).length + 1);
  });
});
