export { hostControl, probeTarget } from './host-control.ts';
