export * from './bus.ts';
export * from './deferred-bus.ts';
export * from './queue-positions.ts';
export * from './subjects.ts';
