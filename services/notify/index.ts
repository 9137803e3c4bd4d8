export type { Sent } from './carrier.ts';
export { carrierOf } from './carriers.ts';
export type { Message } from './notice.ts';
export { Notifier } from './notifier.ts';
