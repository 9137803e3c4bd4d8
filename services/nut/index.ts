export { type NutSourceSecrets, nutUps, type UpsSource } from './client/ups-source.ts';
export { type NutSecrets, type NutServer, nutServer } from './server/nut-server.ts';
