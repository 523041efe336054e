export * from './channel.ts';
export * from './client.ts';
export * from './membership.ts';
export * from './server.ts';
export * from './service.ts';
