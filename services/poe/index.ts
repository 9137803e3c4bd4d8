export { openSwitch, type SwitchSecrets } from './registry.ts';
