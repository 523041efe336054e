import { backendHostname } from '@spawner/domain';

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
