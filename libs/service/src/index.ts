export * from './admin.ts';
export * from './env.ts';
export * from './log.ts';
export * from './metrics.ts';
export * from './outage.ts';
export * from './place.ts';
export * from './runner.ts';
export * from './tracing.ts';
