import { type BackendId, isBackendId } from './ids.ts';

/** The host name of a backend: `<id>.<cluster domain>`. */
export function backendHostname(id: string, clusterDomain: string): string {
  return `${id}.${clusterDomain}`;
}

/** A host name without port and final dot, in lower case. Takes `Host` header values as they come. */
export function normalizeHost(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** The backend that a Host header (or a DNS name) means, or nothing when it is not one of the cluster's. */
export function backendIdOfHost(host: string, clusterDomain: string): BackendId | undefined {
  const name = normalizeHost(host);
  const label = name.slice(0, -(clusterDomain.length + 1));
  return name === `${label}.${clusterDomain}` && isBackendId(label) ? label : undefined;
}

/** Whether the text can be a cluster's domain: lower-case labels of letters, digits and hyphens. */
export function isDomain(text: string): boolean {
  const labels = text.split('.');
  return text.length <= 190 && labels.every((label) => /^[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
}
