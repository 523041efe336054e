import { placeOf } from './place.ts';

describe('the place', () => {
  it('is in the checkout', () => {
    const { root, mark: _, ...paths } = placeOf('/home/somebody/spawner');
    expect(Object.values(paths).filter((path) => !path.startsWith(`${root}/.spawner`))).toEqual([]);
  });

  it('has its sockets elsewhere if their paths would be too long for the system', () => {
    const deep = placeOf(`/home/${'deep/'.repeat(15)}spawner`);
    expect(deep.dockerSockets).toBe(`/run/spawner-${deep.mark}`);
    expect(deep.dockerSockets).not.toBe(placeOf(`/home/${'deep/'.repeat(16)}spawner`).dockerSockets);
  });
});
