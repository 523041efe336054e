import { backendHostname, TOKEN_PARAMETER } from '@spawner/domain';

export interface UrlShape {
  urlScheme: 'http' | 'https';
  urlPort: number;
  clusterDomain: string;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Where browsers reach a backend: `<scheme>://<id>.<cluster domain>[:port]/`; a scheme's own port is left out. */
export function backendUrl(id: string, { urlScheme, urlPort, clusterDomain }: UrlShape): string {
  const port = urlPort === DEFAULT_PORTS[urlScheme] ? '' : `:${urlPort}`;
  return `${urlScheme}://${backendHostname(id, clusterDomain)}${port}/`;
}

/** The same with a connection token, for a browser to open. */
export function guestUrl(id: string, token: string, shape: UrlShape): string {
  return `${backendUrl(id, shape)}?${TOKEN_PARAMETER}=${token}`;
}
