export * from './membership.ts';
export * from './reachable-by.ts';
