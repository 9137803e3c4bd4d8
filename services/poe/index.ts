export { openSwitch } from './registry.ts';
export type { SnmpSecrets } from './snmp-session.ts';
