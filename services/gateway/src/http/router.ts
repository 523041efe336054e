import { AppError } from '@spawner/domain';
import { Refusal } from './refusal.ts';
import { ROUTES, type Route } from './routes.ts';

export interface Match {
  route: Route;
  /** The text in place of `{id}`. */
  id: string;
}

/** The route of a request. Throws 404 for an unknown path, and 405 with `Allow` for another method. */
export function match(method: string, path: string): Match {
  const fitting = routesAt(path);
  const found = fitting.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
  if (found) return found;
  const methods = fitting.map(({ route }) => route.method);
  const message = `${method.slice(0, 32)} is not served here; the methods are ${methods.join(', ')}`;
  throw new Refusal(405, 'unimplemented', message, { allow: methods.join(', ') });
}

/** The methods that a path takes. Throws 404 for an unknown path. */
export function methodsOf(path: string): string[] {
  return routesAt(path).map(({ route }) => route.method);
}

function routesAt(path: string): Match[] {
  const fitting = ROUTES.flatMap((route) => {
    const id = idIn(route.path, path);
    return id === undefined ? [] : [{ route, id }];
  });
  if (fitting.length === 0) throw new AppError('not_found', `no such path: ${path.slice(0, 200)}`);
  return fitting;
}

/** The id in a path of this pattern, empty where the pattern has none; undefined if the path is another. */
function idIn(pattern: string, path: string): string | undefined {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  const at = wanted.indexOf('{id}');
  if (!wanted.every((part, index) => index === at || part === parts[index])) return undefined;
  return at === -1 ? '' : decoded(parts[at] ?? '');
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    return undefined;
  }
}
