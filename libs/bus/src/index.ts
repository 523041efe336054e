export * from './bus.ts';
export * from './bus-to-come.ts';
export * from './subjects.ts';
