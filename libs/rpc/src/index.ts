export * from './channel.ts';
export * from './client.ts';
export * from './client-pool.ts';
export * from './server.ts';
export * from './service.ts';
