export * from './confirmation.ts';
export * from './key-hash.ts';
export * from './keys.ts';
export * from './redis.ts';
export * from './replica.ts';
export * from './route-row.ts';
export * from './route-table.ts';
export * from './store-epoch.ts';
