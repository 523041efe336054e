import { match, methodsOf } from './router.ts';
import { ROUTES } from './routes.ts';

describe('match', () => {
  it('finds every route of the table by its own pattern', () => {
    for (const route of ROUTES) {
      const path = route.path.replace('{id}', 'some%20id');
      expect(match(route.method, path)).toEqual({ route, id: route.path.includes('{id}') ? 'some id' : '' });
    }
  });
  it('answers HEAD as GET', () => {
    expect(match('HEAD', '/v1/drones').route.operation).toBe('listDrones');
  });
  it.each([
    '/v1',
    '/v1/backends/',
    '/v1/backends/x/y',
    '/V1/backends',
    '//v1/backends',
    '/v1/backends/%zz',
    '',
  ])('knows nothing of %j', (path) => {
    expect(() => match('GET', path)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
  it('names the methods that a path takes', () => {
    expect(() => match('PATCH', '/v1/backends/x')).toThrow(
      expect.objectContaining({ status: 405, headers: { allow: 'GET, DELETE' } }),
    );
    expect(methodsOf('/v1/backends')).toEqual(['POST', 'GET', 'DELETE']);
  });
});
