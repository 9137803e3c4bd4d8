export { AgentOrders } from './agent-orders.ts';
export { type HostSecrets, hostControl } from './host-control.ts';
export { type TalosCredentials, talosCredentials } from './talosconfig.ts';
