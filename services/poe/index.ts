export { openSwitch } from './registry.ts';
