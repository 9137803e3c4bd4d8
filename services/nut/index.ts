export { type NutSourceSecrets, nutUps, type UpsSource } from './client/ups-source.ts';
export { type NutSecrets, type NutServer, type NutServerOptions, nutServer } from './server/nut-server.ts';
