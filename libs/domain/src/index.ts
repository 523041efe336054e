export * from './backoff.ts';
export * from './clock.ts';
export * from './deadlines.ts';
export * from './errors.ts';
export * from './hostnames.ts';
export * from './ids.ts';
export * from './lifecycle.ts';
export * from './spec.ts';
