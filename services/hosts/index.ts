export { type HostSecrets, hostControl, probeTarget } from './host-control.ts';
